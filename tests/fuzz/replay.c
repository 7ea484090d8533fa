/* SPDX-License-Identifier: BSD-3-Clause */
/* replay CORPUS: run the inputs of a file, one a line in hexadecimal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_BYTES_MAX 65536

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Read a line of hexadecimal: its bytes, or -1. */
static int parse(const char *line, uint8_t *bytes)
{
	int len = 0;

	for (; *line && *line != '\n'; line += 2) {
		int high = digit(line[0]), low = high < 0 ? -1 : digit(line[1]);

		if (low < 0 || len == INPUT_BYTES_MAX)
			return -1;
		bytes[len++] = (uint8_t)(high << 4 | low);
	}
	return len;
}

int main(int argc, char **argv)
{
	static char line[2 * INPUT_BYTES_MAX + 2];
	static uint8_t bytes[INPUT_BYTES_MAX];
	unsigned int inputs = 0;
	FILE *corpus = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (!corpus) {
		fputs("usage: replay CORPUS: a file that can be read\n", stderr);
		return 2;
	}
	while (fgets(line, sizeof(line), corpus)) {
		int len = parse(line, bytes);
		/* As long as it is, so that whoever reads beyond it is found out. */
		uint8_t *input = len < 0 ? NULL : malloc((size_t)len + !len);

		if (!input) {
			fprintf(stderr, "%s: input %u is not hexadecimal\n", argv[1], inputs + 1);
			return 2;
		}
		memcpy(input, bytes, (size_t)len);
		printf("input %u\n", ++inputs);
		fflush(stdout); /* so that the last one that is told of is the one that failed */
		LLVMFuzzerTestOneInput(input, (size_t)len);
		free(input);
	}
	fclose(corpus);
	printf("%u inputs, %llu %s\n", inputs, (unsigned long long)fuzz_reached, fuzz_core);
	return inputs && fuzz_reached ? 0 : 1;
}
