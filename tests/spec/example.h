/* SPDX-License-Identifier: BSD-3-Clause */
/* The examples in the specification: blocks of lines that say what goes over the queues. */
#ifndef VBALLOON_TESTS_EXAMPLE_H
#define VBALLOON_TESTS_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXAMPLES_MAX 64
#define EXAMPLE_LINES_MAX 16
#define EXAMPLE_BYTES_MAX 2048
#define EXAMPLE_TEXT_MAX (16 + 4 * EXAMPLE_BYTES_MAX)

/* "todevq  02 00 +16": a word, then bytes and room, or other words. */
struct example_line {
	char word[16];
	char rest[EXAMPLE_TEXT_MAX];
	uint8_t bytes[EXAMPLE_BYTES_MAX];
	size_t len;
	size_t room;
};

struct example {
	char name[64]; /* "withdraw_md_38": document and line */
	struct example_line lines[EXAMPLE_LINES_MAX];
	unsigned int count;
};

/* False: there is no word in @text. */
bool example_parse_line(struct example_line *line, const char *text);

/* Read the examples of every document in @folder, at most EXAMPLES_MAX. Returns how
 * many; ends the program when one cannot be read. */
unsigned int examples_read(const char *folder, struct example *examples);

#endif /* VBALLOON_TESTS_EXAMPLE_H */
