/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_move.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define GARBAGE 0xdb

void port_move_stop(struct port_front *front)
{
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(
			vballoon_front_end_stop_queue(&front->wire, i, &front->queues[i].next), 0);
}

void port_move_start(struct port_front *front)
{
	for (unsigned int i = 0; i < 2; i++) {
		port_front_start_queue(&front->wire, i, &front->queues[i]);
		assert_int_equal(vballoon_front_end_kick(&front->wire, i), 0);
	}
}

uint64_t port_move_check(struct vballoon_front_end *wire)
{
	uint64_t answer;

	assert_int_equal(vballoon_link_get_u64(&wire->link, VHOST_USER_CHECK_DEVICE_STATE, &answer),
			 0);
	return answer;
}

/* Give one end of a new pipe away for a transfer. Returns the other; -1 when it was refused. */
static int begin(struct vballoon_front_end *wire, uint32_t direction)
{
	const struct vhost_user_transfer_state transfer = { direction,
							    VHOST_USER_TRANSFER_STOPPED };
	int ends[2], given = direction == VHOST_USER_TRANSFER_SAVE ? 1 : 0;
	uint64_t answer;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(vballoon_link_send(&wire->link, VHOST_USER_SET_DEVICE_STATE_FD, 0,
					    &transfer, sizeof(transfer), &ends[given], 1),
			 0);
	close(ends[given]);
	assert_int_equal(vballoon_link_receive(&wire->link, VHOST_USER_SET_DEVICE_STATE_FD, &answer,
					       sizeof(answer)),
			 sizeof(answer));
	assert_true(answer & VHOST_USER_VRING_NOFD);
	if (answer == VHOST_USER_VRING_NOFD)
		return ends[!given];
	close(ends[!given]);
	return -1;
}

uint64_t port_move_save(struct vballoon_front_end *wire, struct port_move *move)
{
	int fd = begin(wire, VHOST_USER_TRANSFER_SAVE);
	ssize_t got = 0;

	if (fd < 0)
		return 1;
	move->len = 0;
	do {
		if (wire->link.sent)
			wire->link.sent(wire->link.context);
		got = read(fd, move->state + move->len, sizeof(move->state) - move->len);
		assert_true(got >= 0);
		move->len += (size_t)got;
	} while (got);
	close(fd);
	return port_move_check(wire);
}

bool port_move_send(struct vballoon_front_end *wire, const struct port_move *move)
{
	int fd = begin(wire, VHOST_USER_TRANSFER_LOAD);

	if (fd < 0)
		return false;
	assert_int_equal(write(fd, move->state, move->len), move->len);
	close(fd);
	return true;
}

uint64_t port_move_load(struct vballoon_front_end *wire, const struct port_move *move)
{
	return port_move_send(wire, move) ? port_move_check(wire) : 1;
}

void port_move_skip(struct port_move *move, uint64_t gpa)
{
	assert_true(move->skipped_count < PORT_BYTES / 4096);
	move->skipped[move->skipped_count++] = gpa;
}

void port_move_memory(struct vballoon_front_end *wire, const struct port_move *move)
{
	size_t bytes = (size_t)wire->memory_bytes;
	int fd = memfd_create("moved", MFD_CLOEXEC);
	unsigned char *copy;
	off_t from = 0;

	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(copy, MAP_FAILED);
	for (; (from = lseek(wire->memory_fd, from, SEEK_DATA)) >= 0; from += 4096)
		memcpy(copy + from, wire->memory + from, 4096);
	for (unsigned int i = 0; i < move->skipped_count; i++) {
		const unsigned char *at = vballoon_front_end_at(wire, move->skipped[i]);

		memset(copy + (at - wire->memory), GARBAGE, 4096);
	}
	munmap(copy, bytes);
	assert_ptr_equal(
		mmap(wire->memory, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
		wire->memory);
	close(wire->memory_fd);
	wire->memory_fd = fd;
}

void port_move_attach(struct port_front *front, int socket, struct vballoon_vhost_user *back_end)
{
	close(front->wire.link.socket);
	vballoon_vhost_user_free(front->back_end);
	front->wire.link.socket = socket;
	front->back_end = back_end;
	port_front_greet(front);
}

void port_move_arrive(struct port_front *front)
{
	port_front_share(front);
	port_move_start(front);
}
