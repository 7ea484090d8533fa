/* SPDX-License-Identifier: BSD-3-Clause */
/* The vhost-user side of the impostor: what a monitor says, and no more than it takes. */
#include "conformance/impostor.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/le.h"

#define BIT(n) (UINT64_C(1) << (n))
#define PROTOCOL                                                                                   \
	(BIT(VHOST_USER_PROTOCOL_F_MQ) | BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) |                    \
	 BIT(VHOST_USER_PROTOCOL_F_CONFIG))
#define PAGE_BYTES UINT64_C(4096)

int vballoon_impostor_listen(struct vballoon_impostor *impostor, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	memset(impostor, 0, sizeof(*impostor));
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	impostor->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (impostor->listener < 0)
		return -errno;
	if (bind(impostor->listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(impostor->listener, 1)) {
		err = -errno;
		close(impostor->listener);
		impostor->listener = -1;
		return err;
	}
	return 0;
}

void vballoon_impostor_note(struct vballoon_impostor *impostor, const char *clause,
			    const char *format, ...)
{
	va_list args;

	if (impostor->seen.clause)
		return;
	impostor->seen.clause = clause;
	va_start(args, format);
	vsnprintf(impostor->seen.why, sizeof(impostor->seen.why), format, args);
	va_end(args);
}

static void close_one(int *fd, int other)
{
	if (*fd >= 0)
		close(*fd);
	*fd = other;
}

static void memory_clear(struct vballoon_impostor *impostor)
{
	for (unsigned int i = 0; i < impostor->region_count; i++) {
		munmap(impostor->regions[i].map, impostor->regions[i].map_bytes);
		free(impostor->regions[i].held);
	}
	impostor->region_count = 0;
	impostor->memory.count = 0;
	impostor->held = 0;
}

void vballoon_impostor_forget(struct vballoon_impostor *impostor)
{
	int listener = impostor->listener;

	if (impostor->connected)
		vballoon_channel_close(&impostor->channel);
	memory_clear(impostor);
	for (unsigned int i = 0; impostor->connected && i < VBALLOON_IMPOSTOR_QUEUES; i++) {
		close_one(&impostor->queues[i].kick, -1);
		close_one(&impostor->queues[i].call, -1);
		close_one(&impostor->queues[i].err, -1);
	}
	memset(impostor, 0, sizeof(*impostor));
	impostor->listener = listener;
}

void vballoon_impostor_close(struct vballoon_impostor *impostor)
{
	vballoon_impostor_forget(impostor);
	close_one(&impostor->listener, -1);
}

void vballoon_impostor_raise(int event)
{
	const uint64_t one = 1;

	if (event >= 0 && write(event, &one, sizeof(one)) < 0)
		return;
}

static void stop(struct vballoon_impostor *impostor, unsigned int index)
{
	struct vballoon_impostor_queue *queue = &impostor->queues[index];

	if (!queue->running)
		return;
	queue->base = vballoon_impostor_ring_stop(&queue->ring);
	queue->running = false;
	if (index != VIRTIO_MEMORY_BALLOON_VQ_TODEV)
		return;
	impostor->seen.resets++;
	impostor->greeted = false;
}

static bool translate(const struct vballoon_impostor *impostor, uint64_t user,
		      struct vballoon_gpa *gpa_out)
{
	for (unsigned int i = 0; i < impostor->region_count; i++) {
		const struct vhost_user_region *wire = &impostor->regions[i].wire;

		if (user >= wire->user_addr && user - wire->user_addr < wire->size) {
			*gpa_out = vballoon_gpa(wire->guest_addr + (user - wire->user_addr));
			return true;
		}
	}
	return false;
}

static void start_if_ready(struct vballoon_impostor *impostor, unsigned int index)
{
	struct vballoon_impostor_queue *queue = &impostor->queues[index];
	struct vballoon_queue where = { .size = queue->size };

	if (queue->running || !queue->enabled || queue->kick < 0 || !queue->size ||
	    !translate(impostor, queue->addr.desc, &where.desc) ||
	    !translate(impostor, queue->addr.avail, &where.avail) ||
	    !translate(impostor, queue->addr.used, &where.used))
		return;
	if (vballoon_impostor_ring_start(&queue->ring, &impostor->memory, &where, queue->base,
					 impostor->features))
		return;
	queue->running = true;
	if (index == VIRTIO_MEMORY_BALLOON_VQ_TODEV)
		impostor->seen.starts++;
}

static int take_memory(struct vballoon_impostor *impostor, struct vballoon_message *message)
{
	struct vhost_user_region wire[VHOST_USER_FDS_MAX];
	unsigned int count = 0;
	uint32_t page_shift = vballoon_le32(impostor->config.page_shift);

	for (unsigned int i = 0; i < VBALLOON_IMPOSTOR_QUEUES; i++)
		stop(impostor, i);
	memory_clear(impostor);
	if (vballoon_codec_mem_table(message->payload, message->header.size, wire, &count))
		return -EPROTO;
	for (unsigned int i = 0; i < count; i++) {
		struct vballoon_impostor_region *region = &impostor->regions[i];
		struct vballoon_region known = { .gpa = vballoon_gpa(wire[i].guest_addr),
						 .size = vballoon_bytes(wire[i].size) };
		int fd = vballoon_message_take_fd(message, i);

		region->wire = wire[i];
		region->map_bytes = wire[i].size + wire[i].mmap_offset;
		region->map =
			mmap(NULL, region->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (region->map == MAP_FAILED)
			return -errno;
		region->pages = wire[i].size >> page_shift;
		region->held = calloc(vballoon_bitmap_words(region->pages) + 1, sizeof(uint64_t));
		impostor->region_count++;
		known.host = (char *)region->map + wire[i].mmap_offset;
		known.host_page_shift = 12;
		if (!region->held || vballoon_memory_add(&impostor->memory, &known))
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < VBALLOON_IMPOSTOR_QUEUES; i++)
		start_if_ready(impostor, i);
	return 0;
}

static int answer_u64(struct vballoon_impostor *impostor, uint64_t value)
{
	return vballoon_channel_reply(&impostor->channel, &value, sizeof(value));
}

static int answer_config(struct vballoon_impostor *impostor, const struct vballoon_message *message)
{
	uint8_t answer[VBALLOON_REPLY_MAX] = { 0 };
	uint32_t size = message->header.size;

	if (size > sizeof(answer) || size < sizeof(struct vhost_user_config))
		return -EPROTO;
	memcpy(answer, message->payload, sizeof(struct vhost_user_config));
	if (size >= sizeof(struct vhost_user_config) + sizeof(impostor->config))
		memcpy(answer + sizeof(struct vhost_user_config), &impostor->config,
		       sizeof(impostor->config));
	return vballoon_channel_reply(&impostor->channel, answer, size);
}

/* Messages about one queue. Returns as handle(). */
static int handle_queue(struct vballoon_impostor *impostor, struct vballoon_message *message,
			unsigned int index, uint32_t num)
{
	struct vballoon_impostor_queue *queue = &impostor->queues[index];

	switch (message->header.request) {
	case VHOST_USER_SET_VRING_NUM:
		queue->size = num;
		return 1;
	case VHOST_USER_SET_VRING_BASE:
		queue->base = num;
		return 1;
	case VHOST_USER_SET_VRING_ADDR:
		memcpy(&queue->addr, message->payload, sizeof(queue->addr));
		break;
	case VHOST_USER_SET_VRING_KICK:
		close_one(&queue->kick, vballoon_message_take_fd(message, 0));
		break;
	case VHOST_USER_SET_VRING_CALL:
		close_one(&queue->call, vballoon_message_take_fd(message, 0));
		return 1;
	case VHOST_USER_SET_VRING_ERR:
		close_one(&queue->err, vballoon_message_take_fd(message, 0));
		return 1;
	case VHOST_USER_SET_VRING_ENABLE:
		queue->enabled = num;
		if (!num)
			stop(impostor, index);
		break;
	default:
		return 1;
	}
	start_if_ready(impostor, index);
	return 1;
}

static int answer_base(struct vballoon_impostor *impostor, unsigned int index)
{
	struct vhost_user_vring_state state = { .index = index };

	stop(impostor, index);
	close_one(&impostor->queues[index].kick, -1);
	state.num = impostor->queues[index].base;
	return vballoon_channel_reply(&impostor->channel, &state, sizeof(state));
}

/* Returns 0 when it was answered, 1 when not, or a negative errno that ends the connection. */
static int handle(struct vballoon_impostor *impostor, struct vballoon_message *message)
{
	struct vhost_user_vring_state state;
	int ret;

	memcpy(&state, message->payload, sizeof(state));
	switch (message->header.request) {
	case VHOST_USER_GET_FEATURES:
		return answer_u64(impostor,
				  impostor->offered | BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	case VHOST_USER_SET_FEATURES:
		memcpy(&impostor->features, message->payload, sizeof(impostor->features));
		return 1;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		return answer_u64(impostor, PROTOCOL);
	case VHOST_USER_GET_QUEUE_NUM:
		return answer_u64(impostor, VBALLOON_IMPOSTOR_QUEUES);
	case VHOST_USER_SET_MEM_TABLE:
		ret = take_memory(impostor, message);
		return ret ? ret : 1;
	case VHOST_USER_GET_CONFIG:
		return answer_config(impostor, message);
	case VHOST_USER_SET_CONFIG:
		vballoon_impostor_note(impostor, "DRV-CONF-3",
				       "the configuration space was written to");
		return 1;
	case VHOST_USER_GET_VRING_BASE:
		return state.index < VBALLOON_IMPOSTOR_QUEUES ? answer_base(impostor, state.index)
							      : -EPROTO;
	default:
		state.index &= VHOST_USER_VRING_INDEX_MASK;
		if (message->header.request < VHOST_USER_SET_VRING_NUM ||
		    message->header.request > VHOST_USER_SET_VRING_ENABLE ||
		    state.index >= VBALLOON_IMPOSTOR_QUEUES)
			return 1;
		return handle_queue(impostor, message, state.index, state.num);
	}
}

static void hear(struct vballoon_impostor *impostor)
{
	struct vballoon_channel *channel = &impostor->channel;
	const char *fault = NULL;
	int ret;

	while ((ret = vballoon_channel_receive(channel, &fault)) == VBALLOON_CHANNEL_MESSAGE) {
		bool wants = channel->message.header.flags & VHOST_USER_NEED_REPLY;

		ret = handle(impostor, &channel->message);
		if (ret == 1)
			ret = wants ? answer_u64(impostor, 0) : 0;
		vballoon_channel_next(channel);
		if (ret < 0)
			break;
	}
	if (ret >= 0)
		return;
	for (unsigned int i = 0; i < VBALLOON_IMPOSTOR_QUEUES; i++)
		stop(impostor, i);
	vballoon_channel_close(channel);
	impostor->connected = false;
	impostor->gone = impostor->seen.starts;
}

static void welcome(struct vballoon_impostor *impostor)
{
	int fd = accept(impostor->listener, NULL, NULL);

	if (fd < 0)
		return;
	vballoon_channel_init(&impostor->channel, fd);
	impostor->connected = true;
	for (unsigned int i = 0; i < VBALLOON_IMPOSTOR_QUEUES; i++)
		impostor->queues[i] =
			(struct vballoon_impostor_queue){ .kick = -1, .call = -1, .err = -1 };
}

void vballoon_impostor_turn(struct vballoon_impostor *impostor, int timeout_ms)
{
	struct pollfd events[1 + VBALLOON_IMPOSTOR_QUEUES] = {
		{ .fd = impostor->connected ? impostor->channel.socket : impostor->listener,
		  .events = POLLIN },
	};
	uint64_t count;

	for (unsigned int i = 0; i < VBALLOON_IMPOSTOR_QUEUES; i++)
		events[1 + i] = (struct pollfd){
			.fd = impostor->connected ? impostor->queues[i].kick : -1,
			.events = POLLIN,
		};
	if (poll(events, 1 + VBALLOON_IMPOSTOR_QUEUES, timeout_ms) > 0) {
		for (unsigned int i = 0; i < VBALLOON_IMPOSTOR_QUEUES; i++) {
			if (events[1 + i].revents && read(events[1 + i].fd, &count, 8) < 0)
				continue;
		}
		if (events[0].revents && impostor->connected)
			hear(impostor);
		else if (events[0].revents)
			welcome(impostor);
	}
	if (impostor->connected)
		vballoon_impostor_serve(impostor);
}
