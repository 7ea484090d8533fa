// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "control/message.h"
#include "daemon/control_client.h"
#include "daemon/pair.h"

/*
 * Lines that have been read already make no descriptor ready, but a socket with
 * room for an answer is: asking for that brings the client its next turn.
 */
static void choose_events(struct vballoon_control_client *client)
{
	bool waiting = vballoon_control_client_is_waiting(client);
	uint32_t events = 0;

	if (client->answer || (vballoon_line_waiting(&client->reader) && !waiting))
		events = EPOLLOUT;
	else if (waiting)
		events = 0; /* a client that goes away is told of all the same */
	else if (!client->finished)
		events = EPOLLIN;
	else
		client->gone = true;
	vballoon_loop_modify(client->loop, &client->source, events);
}

static void send_answer(struct vballoon_control_client *client)
{
	ssize_t sent = write(client->source.fd, client->answer + client->answer_sent,
			     client->answer_len - client->answer_sent);

	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		client->gone = true;
	if (sent > 0)
		client->answer_sent += (size_t)sent;
	if (client->answer_sent < client->answer_len)
		return;
	free(client->answer);
	client->answer = NULL;
}

/* Takes the reference to @message. */
static void answer(struct vballoon_control_client *client, json_t *message)
{
	client->answer = vballoon_message_print(message, &client->answer_len);
	client->answer_sent = 0;
	json_decref(message);
	if (client->answer)
		send_answer(client);
	else
		client->gone = true;
}

/* Send events until there is none, or no room for one. */
static void send_events(struct vballoon_control_client *client)
{
	while (!client->answer && !client->gone) {
		client->answer =
			vballoon_subscription_take(&client->subscription, &client->answer_len);
		client->answer_sent = 0;
		if (!client->answer)
			break;
		send_answer(client);
	}
}

static void subscribe(struct vballoon_control_client *client)
{
	struct vballoon_view view;

	vballoon_guest_view(vballoon_pair_served(client->guest), &view);
	vballoon_subscription_begin(&client->subscription, &view);
}

static void refuse_long_line(struct vballoon_control_client *client)
{
	struct vballoon_error error;

	vballoon_error_set(&error, VBALLOON_ERROR_BAD_REQUEST, "a line is at most %d bytes",
			   VBALLOON_LINE_BYTES_MAX);
	answer(client, vballoon_message_error(&error, NULL));
}

static void take_line(struct vballoon_control_client *client)
{
	json_t *message = NULL;
	const char *line = NULL;
	size_t len = 0;
	int outcome;

	switch (vballoon_line_next(&client->reader, &line, &len)) {
	case VBALLOON_LINE_WHOLE:
		outcome = vballoon_call_begin(&client->call, client->guest, line, len, &message);
		if (outcome == VBALLOON_CALL_SUBSCRIBES)
			subscribe(client);
		if (outcome != VBALLOON_CALL_WAITS)
			answer(client, message);
		break;
	case VBALLOON_LINE_TOO_LONG:
		refuse_long_line(client);
		break;
	default:
		break;
	}
}

static void receive(struct vballoon_control_client *client)
{
	size_t room;
	char *space = vballoon_line_space(&client->reader, &room);
	ssize_t len = read(client->source.fd, space, room);

	if (len > 0)
		vballoon_line_filled(&client->reader, (size_t)len);
	else if (len == 0)
		client->finished = true;
	else if (errno != EAGAIN && errno != EINTR)
		client->gone = true;
}

static void ready(void *context, uint32_t events)
{
	struct vballoon_control_client *client = context;

	if (events & EPOLLIN)
		receive(client);
	else if (events & (EPOLLHUP | EPOLLERR))
		client->gone = true;
	if (client->gone)
		return;
	if (client->answer)
		send_answer(client);
	else if (!vballoon_control_client_is_waiting(client))
		take_line(client);
	send_events(client);
	choose_events(client);
}

bool vballoon_control_client_is_waiting(const struct vballoon_control_client *client)
{
	return vballoon_call_is_waiting(&client->call) || client->subscription.active;
}

uint64_t vballoon_control_client_deadline_ms(const struct vballoon_control_client *client)
{
	if (vballoon_call_is_waiting(&client->call))
		return client->call.deadline_ms;
	return vballoon_subscription_deadline_ms(&client->subscription);
}

void vballoon_control_client_update(struct vballoon_control_client *client,
				    const struct vballoon_view *view, uint64_t now_ms)
{
	json_t *message = NULL;

	if (client->subscription.active) {
		vballoon_subscription_update(&client->subscription, view, now_ms);
		send_events(client);
	} else if (vballoon_call_continue(&client->call, view, now_ms, &message) !=
		   VBALLOON_CALL_WAITS) {
		answer(client, message);
	}
	choose_events(client);
}

int vballoon_control_client_new(struct vballoon_loop *loop, struct vballoon_guest *guest, int fd,
				struct vballoon_control_client **client_out)
{
	struct vballoon_control_client *client = malloc(sizeof(*client));
	int err;

	if (!client) {
		close(fd);
		return -ENOMEM;
	}
	/* Not the line buffer: see vballoon_line_init(). */
	memset(client, 0, offsetof(struct vballoon_control_client, reader));
	vballoon_line_init(&client->reader);
	client->loop = loop;
	client->guest = guest;
	client->source.fd = fd;
	client->source.ready = ready;
	client->source.context = client;
	client->source.events = EPOLLIN;
	err = vballoon_loop_add(loop, &client->source);
	if (err) {
		close(fd);
		free(client);
		return err;
	}
	answer(client, vballoon_message_greeting(VBALLOON_VERSION));
	choose_events(client);
	*client_out = client;
	return 0;
}

void vballoon_control_client_free(struct vballoon_control_client *client)
{
	vballoon_loop_remove(client->loop, &client->source);
	vballoon_call_cancel(&client->call);
	vballoon_subscription_end(&client->subscription);
	close(client->source.fd);
	free(client->answer);
	free(client);
}
