/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vballoon/abi/types.h>

#include "base/le.h"
#include "fuzz.h"

void fuzz_holds(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
	abort();
}

size_t fuzz_bytes(struct fuzz_input *input, void *to, size_t most)
{
	size_t len = input->len < most ? input->len : most;

	if (len)
		memcpy(to, input->bytes, len);
	input->bytes += len;
	input->len -= len;
	return len;
}

uint64_t fuzz_u64(struct fuzz_input *input)
{
	__le64 value = 0;

	fuzz_bytes(input, &value, sizeof(value));
	return vballoon_le64(value);
}

uint32_t fuzz_u32(struct fuzz_input *input)
{
	__le32 value = 0;

	fuzz_bytes(input, &value, sizeof(value));
	return vballoon_le32(value);
}

uint16_t fuzz_u16(struct fuzz_input *input)
{
	__le16 value = 0;

	fuzz_bytes(input, &value, sizeof(value));
	return vballoon_le16(value);
}

uint8_t fuzz_u8(struct fuzz_input *input)
{
	uint8_t value = 0;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}
