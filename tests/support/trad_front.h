/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable driver of the traditional balloon in the guest of a vhost-user front end, whose
 * back end is a vballoond.
 */
#ifndef VBALLOON_TESTS_TRAD_FRONT_H
#define VBALLOON_TESTS_TRAD_FRONT_H

#include "front_end/front_end.h"
#include "trad_guest.h"

struct trad_front {
	struct trad_guest guest;
	struct vballoon_front_end wire;
	uint64_t offered;
	uint64_t features; /* as last set */
	struct vballoon_queue queues[TRAD_QUEUES]; /* by number, as last started */
	unsigned int started; /* a bit each */
};

/* A guest over a connected socket. Changes to front->guest come before trad_front_start(). */
void trad_front_open(struct trad_front *front, int socket);
void trad_front_start(struct trad_front *front);
void trad_front_close(struct trad_front *front);

/* A monitor pauses the guest; greets another back end over a connected socket; and has the guest
 * go on with that one. */
void trad_front_pause(struct trad_front *front);
void trad_front_attach(struct trad_front *front, int socket);
void trad_front_arrive(struct trad_front *front);

/* Let the guest run until it has @held pages in the balloon and nothing more is heard of the
 * device. Fails the test when that takes 20 s. */
void trad_front_await(struct trad_front *front, uint64_t held);
/* Until a condition holds. */
void trad_front_await_that(struct trad_front *front, bool (*holds)(struct trad_front *front));

/* What the host has of the guest's memory, in pages of 4 KiB. */
uint64_t trad_front_host_pages(const struct trad_front *front);

#endif /* VBALLOON_TESTS_TRAD_FRONT_H */
