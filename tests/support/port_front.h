/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable driver in the guest of a vhost-user front end: with a back end in the
 * same process, or a vballoond in another. The guest looks at its interrupts only, so
 * that one that does not come shows.
 */
#ifndef VBALLOON_TESTS_PORT_FRONT_H
#define VBALLOON_TESTS_PORT_FRONT_H

#include <vballoon/vhost_user.h>

#include "front_end/front_end.h"
#include "port_guest.h"

struct port_front {
	struct port_guest guest;
	struct vballoon_front_end wire;
	struct vballoon_vhost_user *back_end; /* NULL: in another process */
	uint64_t offered;
	uint64_t features; /* as last set */
	struct vballoon_queue queues[2]; /* as last started */
	uint64_t expected; /* pages held, while that is awaited */
};

/* A guest over a connected socket; @back_end is what serves its other end, or NULL.
 * Changes to front->guest.config come before port_front_start(). */
void port_front_open(struct port_front *front, int socket, struct vballoon_vhost_user *back_end);
/* The same with a back end of its own, in this process. */
void port_front_open_pair(struct port_front *front);
void port_front_start(struct port_front *front);
/* Another back end takes the place of one that is gone, under a guest that goes on: the
 * monitor sets the queues up again where they were. Split queues only. */
void port_front_reconnect(struct port_front *front, int socket);

/* Of that: the first messages; features and memory; one queue, as the driver laid it out. */
void port_front_greet(struct port_front *front);
void port_front_share(struct port_front *front);
void port_front_start_queue(struct vballoon_front_end *wire, unsigned int index,
			    const struct vballoon_queue *queue);

/* Close and free everything, the back end among it. */
void port_front_close(struct port_front *front);

/* Sleep until an interrupt, @longest_ms at the most. Returns whether there was one. */
bool port_front_sleep(struct port_front *front, uint64_t longest_ms);
/* Let the guest run, then sleep until an interrupt or until the driver's time has come,
 * @longest_ms at the most. Returns whether there was an interrupt. */
bool port_front_turn(struct port_front *front, uint64_t longest_ms);

/* A back end in this process has its turn. */
void port_front_pump(struct port_front *front);

/* Let the guest run until it has @held pages in the balloon and nothing more is heard of
 * the device. Fails the test when that takes 20 s. */
void port_front_await(struct port_front *front, uint64_t held);
/* Until a condition holds. */
void port_front_await_that(struct port_front *front, bool (*holds)(struct port_front *front));

/* The device of a back end in this process, and what it says. */
struct vballoon_device *port_front_device(const struct port_front *front);
struct vballoon_status port_front_status(const struct port_front *front);
/* Ask for a balloon of @target pages, and see that both sides have it. */
void port_front_reach(struct port_front *front, uint64_t target);

/* What the host has of the guest's memory, in pages of 4 KiB. */
uint64_t port_front_host_pages(const struct port_front *front);

#endif /* VBALLOON_TESTS_PORT_FRONT_H */
