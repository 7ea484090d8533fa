/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/back_end.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <vballoon/recover.h>

#include "vhost_user/session.h"

#define SOCKET_TAG UINT32_MAX /* among the indices of vrings, in epoll's data */
#define EVENTS_MAX (2 + VBALLOON_VRINGS_MAX)

/* A driver that is told to reset as soon as it has a buffer for that kicks when it has; one that goes
 * on to kick without is not heard any more. */
#define KICKS_FOR_RESET 16

/* A guest must not be able to fill a log: so many lines in so much time. */
#define LOG_LINES_MAX 10
#define LOG_PERIOD_MS 10000

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whether another line may be written; the last one says that more are left out. */
static bool log_allowed(struct vballoon_vhost_user *back_end)
{
	uint64_t now = now_ms();

	if (!back_end->log_lines || now - back_end->log_since_ms >= LOG_PERIOD_MS) {
		back_end->log_since_ms = now;
		back_end->log_lines = 0;
	}
	if (back_end->log_lines > LOG_LINES_MAX)
		return false;
	if (++back_end->log_lines <= LOG_LINES_MAX)
		return true;
	back_end->config.log(back_end->config.context, LOG_WARNING,
			     "too much to say: more is left out for a while");
	return false;
}

void vballoon_back_end_log(struct vballoon_vhost_user *back_end, int priority, const char *format,
			   ...)
{
	char text[256];
	va_list args;

	if (!back_end->config.log || !log_allowed(back_end))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	back_end->config.log(back_end->config.context, priority, text);
}

int vballoon_back_end_refuse(struct vballoon_vhost_user *back_end, const char *format, ...)
{
	int used = snprintf(back_end->reason, sizeof(back_end->reason), "the front end sent ");
	va_list args;

	va_start(args, format);
	vsnprintf(back_end->reason + used, sizeof(back_end->reason) - (size_t)used, format, args);
	va_end(args);
	return -EPROTO;
}

static void device_notify(void *context, unsigned int queue)
{
	struct vballoon_vhost_user *back_end = context;

	vballoon_event_signal(back_end->vrings[queue].call);
}

/* Its driver may kick on, as fast as it can. Keeps DEV-BAD-5. */
static void device_stopped(void *context, enum vballoon_violation violation, unsigned int queue)
{
	struct vballoon_vhost_user *back_end = context;

	vballoon_event_signal(back_end->vrings[queue].err);
	vballoon_back_end_log(back_end, LOG_ERR, "the device has stopped: %s (queue %u)",
			      vballoon_violation_text(violation), queue);
	back_end->kicks_left = KICKS_FOR_RESET;
	vballoon_vrings_listen(back_end, VBALLOON_HEARS_NONE);
}

/* The device has stopped, and may have run since. A queue that has begun anew, or an operator, may have
 * brought it back. Keeps DEV-BAD-3. */
static void listen_again(struct vballoon_vhost_user *back_end)
{
	enum vballoon_hearing hearing = VBALLOON_HEARS_NONE;
	struct vballoon_status status;

	vballoon_device_status(back_end->device, &status);
	if (!status.reset_waits)
		back_end->kicks_left = KICKS_FOR_RESET; /* for the next, by command */
	if (!status.violation)
		hearing = VBALLOON_HEARS_ALL;
	else if (status.reset_waits && back_end->kicks_left)
		hearing = VBALLOON_HEARS_FROMDEV;
	if (hearing != back_end->hearing)
		vballoon_vrings_listen(back_end, hearing);
}

static void device_config_changed(void *context)
{
	vballoon_config_space_changed(context);
}

static const struct vballoon_device_ops device_ops = {
	.notify = device_notify,
	.config_changed = device_config_changed,
	.stopped = device_stopped,
};

static int device_new(struct vballoon_vhost_user *back_end)
{
	struct vballoon_device_config config = {
		.device_id = back_end->config.device_id,
		.page_shift = back_end->config.page_shift,
		.features = back_end->config.features,
		.ops = &device_ops,
		.reclaim = &vballoon_back_end_reclaim,
		.memory_hooks = &vballoon_back_end_memory_hooks,
		.context = back_end,
	};
	int ret;

	config.journal = vballoon_kept_journal(&back_end->kept);
	back_end->device_storage = malloc(vballoon_device_bytes());
	if (!back_end->device_storage)
		return -ENOMEM;
	if (back_end->recovering)
		ret = vballoon_device_recover(back_end->device_storage, &config, &back_end->device);
	else
		ret = vballoon_device_init(back_end->device_storage, &config, &back_end->device);
	/* There is no memory yet that it could be out of range of. */
	if (!ret && back_end->config.policy)
		ret = vballoon_device_set_policy(back_end->device, back_end->config.policy);
	return ret;
}

/* Hear the front end, or, while it does not take its answer, wait until it does. */
static int socket_watch(struct vballoon_vhost_user *back_end)
{
	uint32_t events = vballoon_channel_sending(&back_end->channel) ? EPOLLOUT : EPOLLIN;
	struct epoll_event event = { .events = events, .data.u32 = SOCKET_TAG };
	int op = back_end->socket_events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events == back_end->socket_events)
		return 0;
	if (epoll_ctl(back_end->epoll, op, back_end->channel.socket, &event))
		return -errno;
	back_end->socket_events = events;
	return 0;
}

static int back_end_set_up(struct vballoon_vhost_user *back_end, int socket)
{
	int flags = fcntl(socket, F_GETFL);
	int ret;

	if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) ||
	    fcntl(socket, F_SETFD, FD_CLOEXEC))
		return -errno;
	ret = device_new(back_end);
	if (ret)
		return ret;
	back_end->vring_count = vballoon_device_queue_count(back_end->device);
	back_end->memory.page_shift = back_end->config.page_shift;
	back_end->memory.device = back_end->device;
	back_end->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (back_end->epoll < 0)
		return -errno;
	return socket_watch(back_end);
}

static int back_end_new(const struct vballoon_vhost_user_config *config, int socket, bool recover,
			struct vballoon_vhost_user **back_end_out)
{
	struct vballoon_vhost_user *back_end = calloc(1, sizeof(*back_end));
	int ret;

	if (!back_end) {
		close(socket);
		return -ENOMEM;
	}
	back_end->config = *config;
	back_end->epoll = -1;
	back_end->requests_socket = -1;
	back_end->dirty_log.event = -1;
	back_end->transfer.fd = -1;
	vballoon_channel_init(&back_end->channel, socket);
	back_end->channel.relayed = config->keeper;
	vballoon_vrings_init(back_end);
	vballoon_kept_init(&back_end->kept);
	back_end->recovering = recover;
	ret = recover ? vballoon_kept_find(back_end) : vballoon_kept_begin(back_end);
	if (!ret)
		ret = back_end_set_up(back_end, socket);
	if (!ret && recover)
		ret = vballoon_kept_take(back_end);
	back_end->recovering = false;
	if (ret) {
		vballoon_vhost_user_free(back_end);
		return ret;
	}
	*back_end_out = back_end;
	return 0;
}

int vballoon_vhost_user_new(const struct vballoon_vhost_user_config *config, int socket,
			    struct vballoon_vhost_user **back_end_out)
{
	return back_end_new(config, socket, false, back_end_out);
}

int vballoon_vhost_user_recover(const struct vballoon_vhost_user_config *config, int socket,
				struct vballoon_vhost_user **back_end_out)
{
	return back_end_new(config, socket, true, back_end_out);
}

void vballoon_vhost_user_free(struct vballoon_vhost_user *back_end)
{
	if (!back_end)
		return;
	vballoon_kept_end(back_end);
	vballoon_vrings_close(back_end);
	vballoon_memory_table_clear(&back_end->memory);
	vballoon_dirty_log_close(&back_end->dirty_log);
	vballoon_state_close(back_end);
	vballoon_event_replace(&back_end->requests_socket, -1);
	vballoon_channel_close(&back_end->channel);
	vballoon_event_replace(&back_end->epoll, -1);
	free(back_end->device_storage);
	vballoon_kept_close(&back_end->kept);
	free(back_end);
}

int vballoon_vhost_user_fd(const struct vballoon_vhost_user *back_end)
{
	return back_end->epoll;
}

/* Take the kicks that came. Returns whether the socket has something, too. */
static bool events_take(struct vballoon_vhost_user *back_end)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(back_end->epoll, events, EVENTS_MAX, 0);
	bool socket = false;

	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 == SOCKET_TAG)
			socket = true;
		else if (events[i].data.u32 == VBALLOON_TRANSFER_TAG)
			vballoon_state_ready(back_end);
		else
			vballoon_vring_kicked(back_end, events[i].data.u32);
	}
	return socket;
}

/* Returns as vballoon_session_process(). */
static int socket_process(struct vballoon_vhost_user *back_end)
{
	int ret = vballoon_session_process(back_end);
	int watched;

	if (ret < 0)
		return ret;
	watched = socket_watch(back_end);
	return watched ? watched : ret;
}

int vballoon_vhost_user_work(struct vballoon_vhost_user *back_end)
{
	bool work_left;

	if (back_end->ended)
		return back_end->ended;
	vballoon_presence_begin(&back_end->memory.presence);
	work_left = vballoon_device_run(back_end->device);
	vballoon_presence_end(&back_end->memory.presence);
	if (back_end->hearing != VBALLOON_HEARS_ALL)
		listen_again(back_end);
	vballoon_dirty_log_notify(&back_end->dirty_log);
	return work_left;
}

int vballoon_vhost_user_process(struct vballoon_vhost_user *back_end)
{
	int ret = 0;

	if (back_end->ended)
		return back_end->ended;
	if (events_take(back_end))
		ret = socket_process(back_end);
	if (ret < 0) {
		back_end->ended = ret == -EPROTO ? -EPROTO : -ECONNRESET;
		if (vballoon_channel_relay_gone(&back_end->channel))
			back_end->ended = -EPIPE;
		return back_end->ended;
	}
	return vballoon_vhost_user_work(back_end) || ret;
}

struct vballoon_device *vballoon_vhost_user_device(struct vballoon_vhost_user *back_end)
{
	return back_end->device;
}

static const char *memory_problem(const struct vballoon_vhost_user *back_end)
{
	enum vballoon_reclaimable kept = vballoon_memory_table_kept(&back_end->memory);

	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		if (back_end->vrings[i].outside_memory)
			return "the front end shares no memory with the driver's queues in it: "
			       "give the guest a memfd or a file as its memory, with share=on";
	}
	return kept == VBALLOON_RECLAIMABLE ? NULL : vballoon_reclaimable_text(kept);
}

void vballoon_vhost_user_status(struct vballoon_vhost_user *back_end,
				struct vballoon_vhost_user_status *status_out)
{
	*status_out = (struct vballoon_vhost_user_status){
		.protocol_features = back_end->protocol_features,
		.features_acked = back_end->features_acked,
		.regions = back_end->memory.count,
		.messages = back_end->messages,
		.peer = back_end->channel.peer,
		.backing_bytes = vballoon_memory_table_backing_bytes(&back_end->memory),
		.memory_bytes = vballoon_memory_table_bytes(&back_end->memory),
		.memory_problem = memory_problem(back_end),
	};
	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		status_out->queue_enabled[i] = back_end->vrings[i].enabled;
		status_out->queue_has_kick[i] = back_end->vrings[i].kick >= 0;
	}
}

int32_t vballoon_vhost_user_peer(const struct vballoon_vhost_user *back_end)
{
	return back_end->messages ? back_end->channel.peer : -1;
}

const char *vballoon_vhost_user_reason(const struct vballoon_vhost_user *back_end)
{
	return back_end->reason;
}
