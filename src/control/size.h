/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sizes as people write and read them: 1536M, 2G, 512MiB, 4096. K, M, G and T
 * are powers of 1024, in either case, alone or followed by "iB".
 */
#ifndef VBALLOON_CONTROL_SIZE_H
#define VBALLOON_CONTROL_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* Room for whatever vballoon_size_format() writes. */
#define VBALLOON_SIZE_TEXT_BYTES 40

/* What is to be said to a person whose size could not be read. */
#define VBALLOON_SIZE_HELP                                                                         \
	"give whole bytes, or a whole number with K, M, G or T, such as 1536M or 2G"

/* Read the whole number that @text begins with; what follows is at @rest_out, unless it
 * does not begin with one. 0; -EINVAL: it does not; -ERANGE: beyond 2^64 - 1. */
int vballoon_size_parse_digits(const char *text, uint64_t *number_out, const char **rest_out);

/* Read @text into @bytes_out. 0; -EINVAL: it is no size; -ERANGE: it is beyond
 * 2^64 - 1 bytes. @bytes_out is written on success only. */
int vballoon_size_parse(const char *text, uint64_t *bytes_out);

/* Read "N%" into @percent_out, 0 to 100. 0; -EINVAL: it is no percentage;
 * -ERANGE: it is more than 100. */
int vballoon_size_parse_percent(const char *text, unsigned int *percent_out);

/* Write @bytes for a person, "1.5 GiB", rounded down to hundredths of the
 * largest unit. Returns @text. */
const char *vballoon_size_format(uint64_t bytes, char text[VBALLOON_SIZE_TEXT_BYTES]);

#endif /* VBALLOON_CONTROL_SIZE_H */
