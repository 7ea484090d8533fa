/* SPDX-License-Identifier: BSD-3-Clause */
/* What a program says of an option that it does not have. */
#ifndef VBALLOON_CONTROL_MISREAD_H
#define VBALLOON_CONTROL_MISREAD_H

#include <getopt.h>

/*
 * The option of @argv that getopt_long(3) has just answered '?' or ':' for: its word; or of a
 * letter, several of which are one word, that letter, in @letter. Values of long options are to
 * be below ' '.
 */
static inline const char *vballoon_misread_option(char *const *argv, char letter[3])
{
	/* It goes on to the next word behind a long one, and behind the last letter of a word. */
	if (optopt <= ' ')
		return argv[optind - 1];
	letter[0] = '-';
	letter[1] = (char)optopt;
	letter[2] = '\0';
	return letter;
}

#endif /* VBALLOON_CONTROL_MISREAD_H */
