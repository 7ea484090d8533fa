/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEMPORARY_H
#define TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMPORARY_PLACE_MAX 32 /* characters: the path of a socket is short */

/* Make a directory where there are those that somebody clears away, and write its path. Returns 0. */
static inline int temporary_directory(char *path, size_t size, const char *name)
{
	const char *place = getenv("TMPDIR");

	if (!place || strlen(place) > TEMPORARY_PLACE_MAX)
		place = "/tmp";
	snprintf(path, size, "%s/%s-XXXXXX", place, name);
	return mkdtemp(path) ? 0 : -1;
}

#endif
