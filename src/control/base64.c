// SPDX-License-Identifier: BSD-3-Clause
#include <stdint.h>
#include <string.h>

#include "control/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void vballoon_base64_encode(const void *bytes, size_t len, char *text)
{
	const uint8_t *at = bytes;

	for (; len; at += 3, text += 4) {
		uint32_t group = (uint32_t)at[0] << 16;

		if (len > 1)
			group |= (uint32_t)at[1] << 8;
		if (len > 2)
			group |= at[2];
		memset(text, '=', 4);
		for (unsigned int i = 0; i < 4 && i <= len; i++)
			text[i] = digits[group >> (18 - 6 * i) & 63];
		len -= len < 3 ? len : 3;
	}
	*text = '\0';
}

/* The value of a digit, or -1. */
static int value_of(char digit)
{
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Read four characters, the last of which may be missing ("=") if @last. Returns how many
 * bytes they are, or 0. */
static unsigned int read_group(const char *text, int last, uint8_t bytes[3])
{
	unsigned int missing = last ? (text[3] == '=') + (text[3] == '=' && text[2] == '=') : 0;
	uint32_t group = 0;

	for (unsigned int i = 0; i < 4 - missing; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return 0;
		group |= (uint32_t)value << (18 - 6 * i);
	}
	for (unsigned int i = 0; i < 3; i++)
		bytes[i] = (uint8_t)(group >> (16 - 8 * i));
	/* Bits that belong to no byte are 0. */
	return group & ((UINT32_C(1) << 8 * missing) - 1) ? 0 : 3 - missing;
}

int vballoon_base64_decode(const char *text, void *bytes, size_t room, size_t *len_out)
{
	size_t len = strlen(text), done = 0;
	uint8_t group[3];

	if (len % 4)
		return -1;
	for (size_t at = 0; at < len; at += 4) {
		unsigned int count = read_group(text + at, at + 4 == len, group);

		if (!count || count > room - done)
			return -1;
		memcpy((uint8_t *)bytes + done, group, count);
		done += count;
	}
	*len_out = done;
	return 0;
}
