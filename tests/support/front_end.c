/* SPDX-License-Identifier: BSD-3-Clause */
#include "front_end.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PUMP_MAX 100000 /* a back end that never comes to an end fails the test */
#define AWAIT_MS 20000 /* nor does one in another process take longer */
#define FD_COUNT_MAX 16 /* more than a message may have */

/* Where the parts of a ring lie in its memory. */
#define RING_AVAIL (FRONT_END_QUEUE_SIZE * 16U)
#define RING_USED 4096U

static void log_line(void *context, int priority, const char *text)
{
	struct front_end *front_end = context;

	(void)priority;
	front_end->log_lines++;
	snprintf(front_end->last_log, sizeof(front_end->last_log), "%s", text);
}

static void memory_map(struct front_end *front_end, int how)
{
	front_end->memory =
		mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, how, front_end->memory_fd, 0);
	assert_ptr_not_equal(front_end->memory, MAP_FAILED);
	front_end->region = (struct vhost_user_region){
		.guest_addr = GUEST_BASE,
		.size = GUEST_BYTES,
		.user_addr = (uintptr_t)front_end->memory,
	};
	for (unsigned int i = 0; i < 2; i++)
		front_end->queues[i].ring = front_end->memory + i * GUEST_RING_BYTES;
}

void front_end_open_socket(struct front_end *front_end, int socket)
{
	memset(front_end, 0, sizeof(*front_end));
	front_end->socket = socket;
	front_end->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(front_end->memory_fd >= 0);
	assert_int_equal(ftruncate(front_end->memory_fd, GUEST_BYTES), 0);
	memory_map(front_end, MAP_SHARED);
	for (unsigned int i = 0; i < 2; i++) {
		struct front_end_queue *queue = &front_end->queues[i];

		queue->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		queue->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		queue->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_true(queue->kick >= 0 && queue->call >= 0 && queue->err >= 0);
	}
}

void front_end_open(struct front_end *front_end)
{
	struct vballoon_vhost_user_config config = {
		.page_shift = 12,
		.features = vballoon_device_features_max(),
		.log = log_line,
		.context = front_end,
	};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	front_end_open_socket(front_end, ends[0]);
	assert_int_equal(vballoon_vhost_user_new(&config, ends[1], &front_end->back_end), 0);
}

void front_end_unshare_memory(struct front_end *front_end)
{
	munmap(front_end->memory, GUEST_BYTES);
	memory_map(front_end, MAP_PRIVATE);
}

void front_end_close(struct front_end *front_end)
{
	vballoon_vhost_user_free(front_end->back_end);
	front_end->back_end = NULL;
	close(front_end->socket);
	munmap(front_end->memory, GUEST_BYTES);
	close(front_end->memory_fd);
	for (unsigned int i = 0; i < 2; i++) {
		close(front_end->queues[i].kick);
		close(front_end->queues[i].call);
		close(front_end->queues[i].err);
	}
}

void front_end_pump(struct front_end *front_end)
{
	if (!front_end->back_end)
		return;
	for (unsigned int i = 0; i < PUMP_MAX; i++) {
		front_end->outcome = vballoon_vhost_user_process(front_end->back_end);
		if (front_end->outcome <= 0)
			return;
	}
	fail_msg("the back end never comes to an end");
}

void front_end_send(struct front_end *front_end, uint32_t request, uint32_t flags,
		    const void *payload, uint32_t size, const int *fds, unsigned int fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FD_COUNT_MAX * sizeof(int))] = { 0 };
	struct vhost_user_header header = { request, VHOST_USER_VERSION | flags, size };
	struct iovec parts[] = { { &header, sizeof(header) },
				 { (void *)(uintptr_t)payload, size } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	if (fd_count) {
		struct cmsghdr *rights;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
	}
	assert_int_equal(sendmsg(front_end->socket, &msg, MSG_NOSIGNAL), sizeof(header) + size);
	front_end_pump(front_end);
}

int front_end_receive(struct front_end *front_end, uint32_t request, void *payload,
		      uint32_t capacity)
{
	struct pollfd input = { .fd = front_end->socket, .events = POLLIN };
	struct vhost_user_header header;

	if (!front_end->back_end)
		assert_int_equal(poll(&input, 1, AWAIT_MS), 1);
	if (recv(front_end->socket, &header, sizeof(header), MSG_DONTWAIT) != sizeof(header))
		return -1;
	assert_int_equal(header.request, request);
	assert_int_equal(header.flags, VHOST_USER_VERSION | VHOST_USER_REPLY);
	assert_true(header.size <= capacity);
	if (header.size)
		assert_int_equal(recv(front_end->socket, payload, header.size, MSG_DONTWAIT),
				 header.size);
	return (int)header.size;
}

bool front_end_refused(const struct front_end *front_end)
{
	return front_end->outcome < 0;
}

static void assert_served(const struct front_end *front_end)
{
	if (front_end_refused(front_end))
		fail_msg("%s", vballoon_vhost_user_reason(front_end->back_end));
}

void front_end_set_u64(struct front_end *front_end, uint32_t request, uint64_t value)
{
	front_end_send(front_end, request, 0, &value, sizeof(value), NULL, 0);
	assert_served(front_end);
}

uint64_t front_end_get_u64(struct front_end *front_end, uint32_t request)
{
	uint64_t value = 0;

	front_end_send(front_end, request, 0, NULL, 0, NULL, 0);
	assert_int_equal(front_end_receive(front_end, request, &value, sizeof(value)),
			 sizeof(value));
	return value;
}

uint64_t front_end_ask(struct front_end *front_end, uint32_t request, const void *payload,
		       uint32_t size, const int *fds, unsigned int fd_count)
{
	uint64_t answer = 0;

	front_end_send(front_end, request, VHOST_USER_NEED_REPLY, payload, size, fds, fd_count);
	assert_int_equal(front_end_receive(front_end, request, &answer, sizeof(answer)),
			 sizeof(answer));
	return answer;
}

void front_end_set_state(struct front_end *front_end, uint32_t request, uint32_t index,
			 uint32_t num)
{
	struct vhost_user_vring_state state = { index, num };

	front_end_send(front_end, request, 0, &state, sizeof(state), NULL, 0);
	assert_served(front_end);
}

void front_end_set_event(struct front_end *front_end, uint32_t request, unsigned int index, int fd)
{
	uint64_t value = fd < 0 ? index | VHOST_USER_VRING_NOFD : index;

	front_end_send(front_end, request, 0, &value, sizeof(value), &fd, fd < 0 ? 0 : 1);
	assert_served(front_end);
}

void front_end_set_mem_table(struct front_end *front_end, const struct vhost_user_region *regions,
			     const int *fds, unsigned int count)
{
	struct {
		struct vhost_user_mem_table head;
		struct vhost_user_region regions[VHOST_USER_FDS_MAX];
	} table = { .head.count = count };

	if (count)
		memcpy(table.regions, regions, count * sizeof(*regions));
	front_end_send(front_end, VHOST_USER_SET_MEM_TABLE, 0, &table,
		       (uint32_t)(sizeof(table.head) + count * sizeof(*regions)), fds, count);
}

void front_end_set_vring_addr(struct front_end *front_end, unsigned int index, uint32_t flags)
{
	uint64_t offset = (uint64_t)(front_end->queues[index].ring - front_end->memory);
	uint64_t ring = front_end->region.user_addr + offset;
	struct vhost_user_vring_addr addr = {
		.index = index,
		.flags = flags,
		.desc = ring,
		.avail = ring + RING_AVAIL,
		.used = ring + RING_USED,
		.log = GUEST_BASE + index * GUEST_RING_BYTES + RING_USED,
	};

	front_end_send(front_end, VHOST_USER_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL, 0);
	assert_served(front_end);
}

uint32_t front_end_get_vring_base(struct front_end *front_end, unsigned int index)
{
	struct vhost_user_vring_state state = { .index = index };

	front_end_send(front_end, VHOST_USER_GET_VRING_BASE, 0, &state, sizeof(state), NULL, 0);
	assert_int_equal(
		front_end_receive(front_end, VHOST_USER_GET_VRING_BASE, &state, sizeof(state)),
		sizeof(state));
	assert_int_equal(state.index, index);
	return state.num;
}

void front_end_negotiate(struct front_end *front_end, uint64_t features)
{
	front_end_send(front_end, VHOST_USER_SET_OWNER, 0, NULL, 0, NULL, 0);
	front_end_set_u64(front_end, VHOST_USER_SET_PROTOCOL_FEATURES, FRONT_END_PROTOCOL_FEATURES);
	front_end_set_u64(front_end, VHOST_USER_SET_FEATURES, features);
	front_end_set_mem_table(front_end, &front_end->region, &front_end->memory_fd, 1);
	assert_served(front_end);
}

void front_end_new_ring(struct front_end *front_end, unsigned int index)
{
	struct front_end_queue *queue = &front_end->queues[index];

	queue->driver = (struct vballoon_driver_ring){
		.size = FRONT_END_QUEUE_SIZE,
		.desc = queue->ring,
		.avail = queue->ring + RING_AVAIL,
		.used = queue->ring + RING_USED,
		.slots = queue->slots,
		.links = queue->links,
	};
	vballoon_driver_ring_start(&queue->driver);
}

void front_end_start_queue(struct front_end *front_end, unsigned int index, uint32_t base)
{
	struct front_end_queue *queue = &front_end->queues[index];

	front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, index, FRONT_END_QUEUE_SIZE);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_BASE, index, base);
	front_end_set_vring_addr(front_end, index, 0);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, index, queue->kick);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_CALL, index, queue->call);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_ERR, index, queue->err);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, index, 1);
}

uint32_t front_end_stop_queue(struct front_end *front_end, unsigned int index)
{
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, index, 0);
	return front_end_get_vring_base(front_end, index);
}

void front_end_start(struct front_end *front_end)
{
	front_end_negotiate(front_end, FRONT_END_FEATURES);
	for (unsigned int i = 0; i < 2; i++) {
		front_end_new_ring(front_end, i);
		front_end_start_queue(front_end, i, 0);
	}
}

void front_end_kick(struct front_end *front_end, unsigned int index)
{
	const uint64_t one = 1;

	assert_int_equal(write(front_end->queues[index].kick, &one, sizeof(one)), sizeof(one));
	front_end_pump(front_end);
}

bool front_end_event_raised(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

/* Whether to look at a queue once more, for the call that has come. */
static bool wait_for_call(struct front_end *front_end, unsigned int index)
{
	struct pollfd events[] = {
		{ .fd = front_end->queues[index].call, .events = POLLIN },
		{ .fd = front_end->queues[index].err, .events = POLLIN },
	};

	if (front_end->back_end)
		return false;
	assert_true(poll(events, 2, AWAIT_MS) > 0);
	return front_end_event_raised(events[0].fd);
}

int front_end_collect(struct front_end *front_end, unsigned int index, uint32_t *written_out)
{
	uint64_t token;
	int outcome;

	do {
		outcome = vballoon_driver_ring_collect(&front_end->queues[index].driver, &token,
						       written_out);
	} while (outcome == VBALLOON_COLLECT_NONE && wait_for_call(front_end, index));
	return outcome;
}

uint64_t front_end_memory_held(const struct front_end *front_end)
{
	struct stat st;

	assert_int_equal(fstat(front_end->memory_fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}
