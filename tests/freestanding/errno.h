/* SPDX-License-Identifier: BSD-3-Clause */
/* The error numbers that the portable driver returns or takes of its ring. */
#ifndef VBALLOON_TESTS_FREESTANDING_ERRNO_H
#define VBALLOON_TESTS_FREESTANDING_ERRNO_H

#define EIO 5
#define EAGAIN 11
#define EBUSY 16
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define EOPNOTSUPP 95

#endif /* VBALLOON_TESTS_FREESTANDING_ERRNO_H */
