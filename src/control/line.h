/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines out of a stream of bytes, bounded: the framing of the control protocol. */
#ifndef VBALLOON_CONTROL_LINE_H
#define VBALLOON_CONTROL_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* The longest line, its newline included. */
#define VBALLOON_LINE_BYTES_MAX 65536

/* The outcomes of vballoon_line_next(). */
enum {
	VBALLOON_LINE_NONE, /* no whole line yet */
	VBALLOON_LINE_WHOLE, /* a line */
	VBALLOON_LINE_TOO_LONG, /* a line beyond the bound; told once, then skipped */
};

/* Bytes that arrived and were not taken as lines yet. */
struct vballoon_line_reader {
	size_t start; /* of the bytes not taken yet */
	size_t end;
	bool skipping; /* until the end of a line that was too long */
	char bytes[VBALLOON_LINE_BYTES_MAX];
};

/* Make @reader empty. It does not touch the buffer: a client that says little
 * costs little memory. */
void vballoon_line_init(struct vballoon_line_reader *reader);

/* Where bytes may be appended; @room_out says how many, which is not 0 once
 * vballoon_line_next() has said VBALLOON_LINE_NONE. */
char *vballoon_line_space(struct vballoon_line_reader *reader, size_t *room_out);

/* Say that @len bytes were appended. */
void vballoon_line_filled(struct vballoon_line_reader *reader, size_t len);

/* Take the next line, without its newline, into @line_out and @len_out; valid
 * until space is asked for. Returns VBALLOON_LINE_*. */
int vballoon_line_next(struct vballoon_line_reader *reader, const char **line_out, size_t *len_out);

/* Whether vballoon_line_next() would return anything but VBALLOON_LINE_NONE. */
bool vballoon_line_waiting(const struct vballoon_line_reader *reader);

#endif /* VBALLOON_CONTROL_LINE_H */
