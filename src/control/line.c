// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "control/line.h"

void vballoon_line_init(struct vballoon_line_reader *reader)
{
	reader->start = 0;
	reader->end = 0;
	reader->skipping = false;
}

char *vballoon_line_space(struct vballoon_line_reader *reader, size_t *room_out)
{
	if (reader->start) {
		memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	*room_out = sizeof(reader->bytes) - reader->end;
	return reader->bytes + reader->end;
}

void vballoon_line_filled(struct vballoon_line_reader *reader, size_t len)
{
	reader->end += len;
}

static const char *find_newline(const struct vballoon_line_reader *reader)
{
	return memchr(reader->bytes + reader->start, '\n', reader->end - reader->start);
}

static bool is_full(const struct vballoon_line_reader *reader)
{
	return reader->end - reader->start == sizeof(reader->bytes);
}

int vballoon_line_next(struct vballoon_line_reader *reader, const char **line_out, size_t *len_out)
{
	const char *newline = find_newline(reader);

	if (reader->skipping) {
		reader->start = newline ? (size_t)(newline + 1 - reader->bytes) : reader->end;
		reader->skipping = !newline;
		newline = find_newline(reader);
	}
	if (newline) {
		*line_out = reader->bytes + reader->start;
		*len_out = (size_t)(newline - *line_out);
		reader->start += *len_out + 1;
		return VBALLOON_LINE_WHOLE;
	}
	if (is_full(reader)) {
		reader->start = reader->end;
		reader->skipping = true;
		return VBALLOON_LINE_TOO_LONG;
	}
	return VBALLOON_LINE_NONE;
}

bool vballoon_line_waiting(const struct vballoon_line_reader *reader)
{
	const char *newline = find_newline(reader);

	if (newline && reader->skipping)
		return memchr(newline + 1, '\n',
			      (size_t)(reader->bytes + reader->end - newline - 1));
	return newline || (is_full(reader) && !reader->skipping);
}
