// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/note.h"

#include <stdbool.h>
#include <string.h>

static const char *const told[] = { "READY", "STATUS", "STOPPING" };

/* Whether a line is about @name. */
static bool is(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len > name_len && !strncmp(line, name, name_len) && line[name_len] == '=';
}

/* The line behind this one; NULL: it is the last. */
static const char *next(const char *line, size_t len)
{
	return line[len] ? line + len + 1 : NULL;
}

const char *vballoon_note_value(const char *note, const char *name, char *value, size_t bytes)
{
	size_t len, skipped = strlen(name) + 1;

	for (const char *line = note; line; line = next(line, len)) {
		len = strcspn(line, "\n");
		if (!is(line, len, name))
			continue;
		if (len - skipped >= bytes)
			return NULL;
		memcpy(value, line + skipped, len - skipped);
		value[len - skipped] = '\0';
		return value;
	}
	return NULL;
}

size_t vballoon_note_for_manager(const char *note, char *out)
{
	size_t len, out_len = 0;

	for (const char *line = note; line; line = next(line, len)) {
		bool tells = false;

		len = strcspn(line, "\n");
		for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
			tells = tells || is(line, len, told[i]);
		if (!tells)
			continue;
		if (out_len)
			out[out_len++] = '\n';
		memcpy(out + out_len, line, len);
		out_len += len;
	}
	return out_len;
}
