// SPDX-License-Identifier: BSD-3-Clause
#include "control.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "process.h"

void control_connect(struct control *control, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	vballoon_line_init(&control->reader);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(control->fd >= 0);
	assert_int_equal(connect(control->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void control_open(struct control *control, const char *path)
{
	json_t *greeting;

	control_connect(control, path);
	greeting = control_receive(control);
	assert_non_null(json_object_get(greeting, "vballoon"));
	json_decref(greeting);
}

void control_close(struct control *control)
{
	close(control->fd);
	control->fd = -1;
}

void control_send(struct control *control, const void *bytes, size_t len)
{
	assert_int_equal(send(control->fd, bytes, len, MSG_NOSIGNAL), len);
}

void control_send_text(struct control *control, const char *text)
{
	control_send(control, text, strlen(text));
}

json_t *control_receive(struct control *control)
{
	struct pollfd input = { .fd = control->fd, .events = POLLIN };
	const char *line = NULL;
	size_t room, len = 0;
	json_t *object;
	ssize_t count;
	char *space;

	while (vballoon_line_next(&control->reader, &line, &len) != VBALLOON_LINE_WHOLE) {
		if (poll(&input, 1, PROCESS_PATIENCE_MS) != 1)
			fail_msg("the daemon does not answer");
		space = vballoon_line_space(&control->reader, &room);
		count = recv(control->fd, space, room, 0);
		if (count <= 0)
			return NULL;
		vballoon_line_filled(&control->reader, (size_t)count);
	}
	object = json_loadb(line, len, 0, NULL);
	assert_non_null(object);
	return object;
}

bool control_is_silent(struct control *control)
{
	struct pollfd input = { .fd = control->fd, .events = POLLIN };

	return !vballoon_line_waiting(&control->reader) && poll(&input, 1, 0) == 0;
}

json_t *control_call(struct control *control, const char *line)
{
	json_t *answer, *value;

	control_send_text(control, line);
	control_send_text(control, "\n");
	answer = control_receive(control);
	value = json_incref(json_object_get(answer, "return"));
	if (!value)
		fail_msg("%s was answered with %s", line, json_dumps(answer, 0));
	json_decref(answer);
	return value;
}

void control_assert_error(struct control *control, const char *line, const char *class)
{
	const char *got;
	json_t *answer;

	control_send_text(control, line);
	control_send_text(control, "\n");
	answer = control_receive(control);
	got = json_string_value(json_object_get(json_object_get(answer, "error"), "class"));
	assert_non_null(got);
	assert_string_equal(got, class);
	json_decref(answer);
}

json_int_t control_take_integer(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	json_int_t integer = json_integer_value(value);

	assert_true(json_is_integer(value));
	json_decref(object);
	return integer;
}
