/* SPDX-License-Identifier: BSD-3-Clause */
#include "state/checksum.h"

#define POLYNOMIAL UINT32_C(0x82f63b78) /* bit-reversed */

static uint32_t next_bit(uint32_t sum)
{
	return sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
}

/* Four bits at a time, by a table that is small enough to be made each time. */
uint32_t vballoon_checksum(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t table[16];
	uint32_t sum = UINT32_MAX;

	for (uint32_t i = 0; i < 16; i++)
		table[i] = next_bit(next_bit(next_bit(next_bit(i))));
	for (; len; len--, at++) {
		sum = sum >> 4 ^ table[(sum ^ *at) & 15];
		sum = sum >> 4 ^ table[(sum ^ *at >> 4) & 15];
	}
	return ~sum;
}
