/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The little-endian integer types of the wire headers.
 *
 * On Linux, kernel and user space alike, they are the types of
 * <linux/types.h>, which sparse checks. Elsewhere (firmware, unikernels) they
 * are plain integers of the same width.
 */
#ifndef VBALLOON_ABI_TYPES_H
#define VBALLOON_ABI_TYPES_H

#ifdef __linux__
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint8_t __u8;
typedef uint16_t __le16;
typedef uint32_t __le32;
typedef uint64_t __le64;
#endif

#endif /* VBALLOON_ABI_TYPES_H */
