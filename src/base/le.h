/* SPDX-License-Identifier: BSD-3-Clause */
/* Little-endian integers as they lie on the wire, read into and out of the host's order. */
#ifndef VBALLOON_BASE_LE_H
#define VBALLOON_BASE_LE_H

#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define VBALLOON_LE(bits, value) __builtin_bswap##bits(value)
#else
#define VBALLOON_LE(bits, value) (value)
#endif

static inline uint16_t vballoon_le16(uint16_t value)
{
	return VBALLOON_LE(16, value);
}

static inline uint32_t vballoon_le32(uint32_t value)
{
	return VBALLOON_LE(32, value);
}

static inline uint64_t vballoon_le64(uint64_t value)
{
	return VBALLOON_LE(64, value);
}

#endif /* VBALLOON_BASE_LE_H */
