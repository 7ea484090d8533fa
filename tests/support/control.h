/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of a daemon's control socket that may misbehave. */
#ifndef VBALLOON_TESTS_CONTROL_H
#define VBALLOON_TESTS_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/line.h"

struct control {
	int fd;
	struct vballoon_line_reader reader;
};

/* Connect, and read nothing yet; or read the greeting too. */
void control_connect(struct control *control, const char *path);
void control_open(struct control *control, const char *path);
void control_close(struct control *control);

/* Send bytes as they are. */
void control_send(struct control *control, const void *bytes, size_t len);
void control_send_text(struct control *control, const char *text);

/* The next line as JSON, a new reference; NULL when the daemon has closed. */
json_t *control_receive(struct control *control);

/* Whether nothing has come. */
bool control_is_silent(struct control *control);

/* Send a line and get the answer's "return", a new reference. */
json_t *control_call(struct control *control, const char *line);

/* Send a line and get the class of the error that is its answer. */
void control_assert_error(struct control *control, const char *line, const char *class);

/* A member of an object, and the object let go of. */
json_int_t control_take_integer(json_t *object, const char *name);

#endif /* VBALLOON_TESTS_CONTROL_H */
