/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that a driver is put before: a vhost-user back end with a balloon in it that
 * works, but for the one lie that it is told to tell, and that watches what the driver
 * says.
 *
 * A monitor, or whatever carries the driver, connects to its socket. Nothing happens
 * but inside vballoon_impostor_turn().
 */
#ifndef VBALLOON_CONFORMANCE_IMPOSTOR_H
#define VBALLOON_CONFORMANCE_IMPOSTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/memory.h>

#include "ring/device_ring.h"
#include "vhost_user/channel.h"

#define VBALLOON_IMPOSTOR_QUEUES VIRTIO_MEMORY_BALLOON_VQ_COUNT
#define VBALLOON_IMPOSTOR_WAITING 512U /* requests */
#define VBALLOON_IMPOSTOR_ANSWER 65536U /* bytes; longer ones are cut */

struct vballoon_impostor;

/* Change an answer: its bytes, how many there are, and the used length that is told. */
typedef void vballoon_lie(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			  uint32_t *told);

struct vballoon_impostor_queue {
	struct vhost_user_vring_addr addr;
	uint32_t size, base;
	int kick, call, err;
	bool enabled, running;
	struct vballoon_device_ring ring;
};

struct vballoon_impostor_region {
	struct vhost_user_region wire;
	void *map;
	uint64_t map_bytes;
	uint64_t *held; /* a bit a balloon page */
	uint64_t pages;
};

/* What the driver has done. */
struct vballoon_impostor_seen {
	unsigned int messages, hellos, adds, withdraws, stats;
	unsigned int starts, resets; /* of todevq */
	unsigned int start_overs; /* HELLOs with that flag */
	uint32_t stats_flags; /* of the last STATS */
	unsigned int exchanges, reports, rounds; /* rounds: that a REPORT_DONE has ended */
	uint64_t round_id; /* of the last of them */
	uint64_t reported_gpa, reported_bytes; /* the last run */
	uint64_t epochs[64]; /* of the HELLOs, as far as they fit */
	const char *clause; /* the first that it broke, or NULL */
	char why[160];
};

struct vballoon_impostor {
	int listener; /* owned */
	bool connected;
	bool gone; /* a connection on which queues ran has ended */
	struct vballoon_channel channel;
	/* What it presents. */
	uint64_t offered;
	struct virtio_memory_balloon_config config;
	/* vhost-user. */
	uint64_t features;
	struct vballoon_memory memory;
	struct vballoon_impostor_region regions[VHOST_USER_FDS_MAX];
	unsigned int region_count;
	struct vballoon_impostor_queue queues[VBALLOON_IMPOSTOR_QUEUES];
	/* The balloon. */
	struct vballoon_chain chain;
	bool greeted; /* since the queues were started */
	bool has_record;
	uint64_t epoch;
	uint32_t unit_shift;
	uint64_t held; /* balloon pages */
	uint64_t target;
	struct virtio_memory_balloon_req waiting[VBALLOON_IMPOSTOR_WAITING];
	unsigned int waiting_count;
	/* How it goes wrong. */
	vballoon_lie *lie;
	uint32_t lie_about; /* the message whose answer is changed */
	bool lied;
	bool mute; /* it takes no message */
	bool refuses; /* it refuses what is to be exchanged */
	uint32_t request_told; /* the used length of requests; 0: what it is */
	struct vballoon_impostor_seen seen;
};

/* Listen at @path, which is made. Returns 0 or a negative errno. */
int vballoon_impostor_listen(struct vballoon_impostor *impostor, const char *path);

/* End the connection, and forget all that was seen and told. */
void vballoon_impostor_forget(struct vballoon_impostor *impostor);
void vballoon_impostor_close(struct vballoon_impostor *impostor);

/* Wait for what comes next, @timeout_ms at the most, and deal with it. */
void vballoon_impostor_turn(struct vballoon_impostor *impostor, int timeout_ms);

/* Ask something of the driver. */
void vballoon_impostor_ask(struct vballoon_impostor *impostor, uint32_t type, uint32_t flags,
			   uint64_t value);

/* The first page that is held, as a gpa; 0 when there is none. */
uint64_t vballoon_impostor_held_page(const struct vballoon_impostor *impostor);
/* One that is not held, nor near the queues; 0 when there is none. */
uint64_t vballoon_impostor_free_page(const struct vballoon_impostor *impostor);

/* The driver has broken a clause; only the first is kept. */
void vballoon_impostor_note(struct vballoon_impostor *impostor, const char *clause,
			    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Between the two halves: the queues have something, or may have. */
void vballoon_impostor_serve(struct vballoon_impostor *impostor);
int vballoon_impostor_ring_start(struct vballoon_device_ring *ring,
				 const struct vballoon_memory *memory, struct vballoon_queue *where,
				 uint32_t base, uint64_t features);
uint32_t vballoon_impostor_ring_stop(struct vballoon_device_ring *ring);
void vballoon_impostor_raise(int event);

#endif /* VBALLOON_CONFORMANCE_IMPOSTOR_H */
