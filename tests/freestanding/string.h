/* SPDX-License-Identifier: BSD-3-Clause */
/* All that the portable driver takes of a C library: what compilers call by themselves. */
#ifndef VBALLOON_TESTS_FREESTANDING_STRING_H
#define VBALLOON_TESTS_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);

#endif /* VBALLOON_TESTS_FREESTANDING_STRING_H */
