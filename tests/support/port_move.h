/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest of a port_front moves to another back end, as a monitor moves it: its queues
 * stop, the device's state comes over, its memory is copied but for what need not travel,
 * and its queues start there where they were.
 */
#ifndef VBALLOON_TESTS_PORT_MOVE_H
#define VBALLOON_TESTS_PORT_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include "port_front.h"

#define PORT_MOVE_STATE_BYTES 65536

struct port_move {
	uint8_t state[PORT_MOVE_STATE_BYTES];
	size_t len;
	uint64_t skipped[PORT_BYTES / 4096]; /* addresses of pages that did not travel */
	unsigned int skipped_count;
};

/* Stop both queues; start them where they stopped. */
void port_move_stop(struct port_front *front);
void port_move_start(struct port_front *front);

/* Have the state written into a pipe, and read it: the answer of CHECK_DEVICE_STATE. */
uint64_t port_move_save(struct vballoon_front_end *wire, struct port_move *move);

/* Write the state into a pipe, and have it read: the answer, likewise. */
uint64_t port_move_load(struct vballoon_front_end *wire, const struct port_move *move);

/* The two halves of that: false when it is refused; the answer. */
bool port_move_send(struct vballoon_front_end *wire, const struct port_move *move);
uint64_t port_move_check(struct vballoon_front_end *wire);

/* Take note of a page that need not travel. */
void port_move_skip(struct port_move *move, uint64_t gpa);

/* The guest's memory is another file from here on: a copy, with garbage for what was
 * skipped, and nothing where there was nothing. The driver finds it where it was. */
void port_move_memory(struct vballoon_front_end *wire, const struct port_move *move);

/* Another back end, over a connected socket; the one that was there is gone. Nothing but
 * the features was said to it when this returns. */
void port_move_attach(struct port_front *front, int socket, struct vballoon_vhost_user *back_end);

/* Tell it the features and the memory, and start the queues where they stopped. */
void port_move_arrive(struct port_front *front);

#endif /* VBALLOON_TESTS_PORT_MOVE_H */
