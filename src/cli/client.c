// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/report.h"
#include "control/message.h"

/* A daemon that lives answers at once; it never waits for a guest unasked. */
#define ANSWER_MS 5000

/* What to tell about an error, and with which code to exit. */
static const struct {
	int exit_code;
	const char *advice;
} classes[VBALLOON_ERROR_COUNT] = {
	[VBALLOON_ERROR_NONE] = { VBALLOON_EXIT_FAILED, "try again" },
	[VBALLOON_ERROR_BAD_REQUEST] = { VBALLOON_EXIT_FAILED,
					 "use a vballoonctl of the daemon's version" },
	[VBALLOON_ERROR_UNKNOWN_COMMAND] = { VBALLOON_EXIT_FAILED,
					     "use a vballoonctl of the daemon's version" },
	[VBALLOON_ERROR_OUT_OF_RANGE] = { VBALLOON_EXIT_FAILED, "give a smaller size" },
	[VBALLOON_ERROR_NO_FRONT_END] = { VBALLOON_EXIT_NO_DRIVER,
					  "start the virtual machine on vballoond's socket" },
	[VBALLOON_ERROR_NO_DRIVER] = { VBALLOON_EXIT_NO_DRIVER,
				       "let the guest run, with its driver: virtio_memory_balloon, "
				       "or "
				       "virtio_balloon if it is traditional" },
	[VBALLOON_ERROR_DEVICE_STOPPED] = { VBALLOON_EXIT_STOPPED,
					    "see vballoonctl status, then vballoonctl reset" },
	[VBALLOON_ERROR_TIMEOUT] = { VBALLOON_EXIT_TIMEOUT,
				     "see whether the guest is busy, or give --timeout" },
	[VBALLOON_ERROR_TOO_MANY_CLIENTS] = { VBALLOON_EXIT_UNREACHABLE,
					      "end one of its other clients" },
	[VBALLOON_ERROR_NOT_ALLOWED] = { VBALLOON_EXIT_UNREACHABLE,
					 "do it as root, or have this user added to the daemon's "
					 "--control-group" },
	[VBALLOON_ERROR_NOT_NEGOTIATED] = { VBALLOON_EXIT_FAILED, "see vballoonctl status, and "
								  "update the guest's driver" },
	[VBALLOON_ERROR_GUEST_RUNS] = { VBALLOON_EXIT_FAILED,
					"pause it first, as stop does in QEMU's monitor" },
	[VBALLOON_ERROR_NOT_PROVEN] = { VBALLOON_EXIT_FAILED,
					"let the guest run until its state is ready, and pause it "
					"again" },
	[VBALLOON_ERROR_UNKNOWN] = { VBALLOON_EXIT_FAILED,
				     "use a vballoonctl of the daemon's version" },
};

/* What to do about an error of @command; NULL where its description says so already. */
static const char *advice_on(const char *command, enum vballoon_error_class class)
{
	if (class == VBALLOON_ERROR_OUT_OF_RANGE && strcmp(command, "set"))
		return NULL;
	if (class == VBALLOON_ERROR_BAD_REQUEST && !strcmp(command, "upgrade"))
		return NULL;
	return classes[class].advice;
}

void vballoon_client_init(struct vballoon_client *client, const char *path)
{
	client->path = path;
	client->fd = -1;
	client->failure[0] = '\0';
	vballoon_line_init(&client->reader);
}

void vballoon_client_close(struct vballoon_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static int fail(struct vballoon_client *client, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct vballoon_client *client, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(client->failure, sizeof(client->failure), format, args);
	va_end(args);
	return code;
}

static int unreachable(struct vballoon_client *client, const char *why, const char *advice)
{
	return fail(client, VBALLOON_EXIT_UNREACHABLE, "cannot reach vballoond: %s: %s: %s",
		    client->path, why, advice);
}

static int no_answer(struct vballoon_client *client)
{
	return unreachable(client, "it does not answer", "see its log, or restart it");
}

/* A daemon that hangs has room for so many connections; the next one waits for it. */
static int connect_to(struct vballoon_client *client)
{
	const struct timeval patience = { .tv_sec = ANSWER_MS / 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(client->path) >= sizeof(address.sun_path))
		return unreachable(client, "the path is too long", "give its --control-path");
	memcpy(address.sun_path, client->path, strlen(client->path) + 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return unreachable(client, strerror(errno), "raise the limit");
	setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(client->fd, (const struct sockaddr *)&address, sizeof(address)))
		return VBALLOON_EXIT_OK;
	if (errno == EAGAIN)
		return no_answer(client);
	return unreachable(client, strerror(errno),
			   errno == EACCES ? "run this as the user that vballoond runs as, or "
					     "let your group in with vballoond's --control-group"
					   : "start vballoond with this --control-path");
}

/* Read one line, valid until the next; @timeout_ms as for poll(2). */
static int read_line(struct vballoon_client *client, int timeout_ms, const char **line_out,
		     size_t *len_out)
{
	struct pollfd input = { .fd = client->fd, .events = POLLIN };
	int outcome;
	ssize_t len;
	char *space;
	size_t room;

	while ((outcome = vballoon_line_next(&client->reader, line_out, len_out)) ==
	       VBALLOON_LINE_NONE) {
		if (poll(&input, 1, timeout_ms) == 0)
			return no_answer(client);
		space = vballoon_line_space(&client->reader, &room);
		len = recv(client->fd, space, room, 0);
		if (len == 0)
			return unreachable(client, "it closed the connection", "see its log");
		if (len < 0)
			return unreachable(client, strerror(errno), "see its log");
		vballoon_line_filled(&client->reader, (size_t)len);
	}
	if (outcome == VBALLOON_LINE_WHOLE)
		return VBALLOON_EXIT_OK;
	return unreachable(client, "it sent too long a line", "this is no vballoond");
}

/* A first line that is no greeting may be an error, from a daemon that is full. */
static int read_greeting(struct vballoon_client *client)
{
	struct vballoon_answer refusal;
	const char *line = NULL;
	int protocol, code;
	size_t len = 0;

	code = read_line(client, ANSWER_MS, &line, &len);
	if (code)
		return code;
	if (vballoon_greeting_parse(line, len, &protocol)) {
		if (!vballoon_answer_parse(line, len, &refusal) && !refusal.value)
			code = unreachable(client, refusal.error.desc,
					   classes[refusal.error.class].advice);
		else
			code = unreachable(client, "it does not greet as vballoond does",
					   "give vballoond's --control-path");
		vballoon_answer_free(&refusal);
		return code;
	}
	if (protocol != VBALLOON_PROTOCOL)
		return unreachable(client, "it speaks another protocol",
				   "use a vballoonctl of its version");
	return VBALLOON_EXIT_OK;
}

static int send_request(struct vballoon_client *client, const char *command, json_t *arguments)
{
	json_t *message = vballoon_message_request(command, arguments);
	size_t len = 0, done = 0;
	ssize_t sent = 0;
	char *line = vballoon_message_print(message, &len);

	json_decref(message);
	if (!line)
		return fail(client, VBALLOON_EXIT_FAILED, "%s: out of memory: try again", command);
	while (done < len && sent >= 0) {
		sent = send(client->fd, line + done, len - done, MSG_NOSIGNAL);
		done += sent > 0 ? (size_t)sent : 0;
	}
	free(line);
	return done == len ? VBALLOON_EXIT_OK : unreachable(client, strerror(errno), "see its log");
}

static int read_answer(struct vballoon_client *client, const char *command, int timeout_ms,
		       json_t **value_out)
{
	struct vballoon_answer answer;
	const char *line = NULL, *advice;
	size_t len = 0;
	int code = read_line(client, timeout_ms, &line, &len);

	if (code)
		return code;
	if (vballoon_answer_parse(line, len, &answer))
		code = unreachable(client, "its answer makes no sense",
				   "use a vballoonctl of its version");
	else if (answer.value)
		*value_out = json_incref(answer.value);
	else {
		advice = advice_on(command, answer.error.class);
		code = fail(client, classes[answer.error.class].exit_code, "%s: %s%s%s", command,
			    answer.error.desc, advice ? ": " : "", advice ? advice : "");
	}
	vballoon_answer_free(&answer);
	return code;
}

int vballoon_client_try(struct vballoon_client *client, const char *command, json_t *arguments,
			unsigned int extra_ms, json_t **value_out)
{
	int code = VBALLOON_EXIT_OK;

	if (client->fd < 0) {
		code = connect_to(client);
		if (!code)
			code = read_greeting(client);
		if (code) {
			json_decref(arguments);
			return code;
		}
	}
	code = send_request(client, command, arguments);
	return code ? code : read_answer(client, command, ANSWER_MS + (int)extra_ms, value_out);
}

static int tell(const struct vballoon_client *client, int code)
{
	return code ? vballoon_report_failure(code, "%s", client->failure) : code;
}

int vballoon_client_call(struct vballoon_client *client, const char *command, json_t *arguments,
			 unsigned int extra_ms, json_t **value_out)
{
	return tell(client, vballoon_client_try(client, command, arguments, extra_ms, value_out));
}

int vballoon_client_next(struct vballoon_client *client, json_t **object_out)
{
	const char *line = NULL;
	size_t len = 0;
	int code = read_line(client, -1, &line, &len);

	if (code)
		return tell(client, code);
	*object_out = json_loadb(line, len, 0, NULL);
	if (*object_out)
		return VBALLOON_EXIT_OK;
	return tell(client, unreachable(client, "what it sent is no JSON",
					"use a vballoonctl of its version"));
}
