/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the suite consists of: topics, each a table of cases. A case is a row and a
 * function; rows that differ in one field share a function and say the field in @how.
 */
#ifndef VBALLOON_CONFORMANCE_CASE_H
#define VBALLOON_CONFORMANCE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

struct vballoon_trial; /* against a device */
struct vballoon_bout; /* against a driver */

enum vballoon_outcome {
	VBALLOON_PASS, /* the peer did what the clause says */
	VBALLOON_REJECT, /* the same, by refusing what it has to refuse */
	VBALLOON_SKIP, /* what the case is about was not offered */
	VBALLOON_FAIL, /* the peer did something else */
	VBALLOON_WEDGED, /* the peer answers no more, spins, or has gone */
	VBALLOON_OUTCOME_COUNT,
};

/* How far a trial goes before the case begins. */
enum vballoon_stage {
	VBALLOON_STAGE_CONNECTED, /* nothing was said yet */
	VBALLOON_STAGE_NEGOTIATED, /* features and memory */
	VBALLOON_STAGE_RUNNING, /* both queues run, buffers for requests are posted */
	VBALLOON_STAGE_GREETED, /* HELLO was said, its RESIZE taken */
};

/* Which ring a case is about. */
enum vballoon_ring {
	VBALLOON_RING_ANY,
	VBALLOON_RING_SPLIT,
	VBALLOON_RING_PACKED,
	/* A driver's: the topic tests no device. */
	VBALLOON_RING_OF_DRIVER,
	VBALLOON_RING_OF_DRIVER_SPLIT,
	VBALLOON_RING_OF_DRIVER_PACKED,
};

struct vballoon_case {
	const char *name;
	const char *clause; /* of docs/spec, of the virtio standard, or of vhost-user */
	void (*run)(struct vballoon_trial *trial, const void *how); /* NULL: of a driver */
	const void *how;
	bool negative; /* the case breaks a rule, or asks for what cannot be */
	enum vballoon_stage stage;
	uint64_t needs; /* feature bits, else it is skipped */
	uint64_t lacks; /* feature bits that are left out for it */
	void (*play)(struct vballoon_bout *bout, const void *how); /* NULL: of a device */
	uint32_t host_shift; /* the guest's memory is in host pages of that size; 0: in any */
};

struct vballoon_topic {
	const char *name;
	const char *about;
	uint32_t device; /* of virtio; 0: of either */
	enum vballoon_ring ring;
	const struct vballoon_case *cases;
	size_t count;
};

#define VBALLOON_TOPIC_OF(its_device, variable, its_name, its_ring, text, table)                   \
	const struct vballoon_topic variable = {                                                   \
		.name = its_name,                                                                  \
		.about = text,                                                                     \
		.device = its_device,                                                              \
		.ring = its_ring,                                                                  \
		.cases = table,                                                                    \
		.count = sizeof(table) / sizeof((table)[0]),                                       \
	}

/* Of the memory balloon, of the traditional one, of both. */
#define VBALLOON_TOPIC(...) VBALLOON_TOPIC_OF(VIRTIO_MEMORY_BALLOON_ID, __VA_ARGS__)
#define VBALLOON_TRAD_TOPIC(...) VBALLOON_TOPIC_OF(VIRTIO_BALLOON_ID, __VA_ARGS__)
#define VBALLOON_SHARED_TOPIC(...) VBALLOON_TOPIC_OF(0, __VA_ARGS__)

/* Every topic, in the order in which they run. NULL ends the list. */
extern const struct vballoon_topic *const vballoon_topics[];

/* Whether a topic has something for a driver with this ring. */
static inline bool vballoon_topic_is_for_driver(const struct vballoon_topic *topic, bool packed)
{
	return topic->ring == VBALLOON_RING_OF_DRIVER ||
	       topic->ring ==
		       (packed ? VBALLOON_RING_OF_DRIVER_PACKED : VBALLOON_RING_OF_DRIVER_SPLIT);
}

/* Whether a topic is about a device, or about its driver. */
static inline bool vballoon_topic_is_of(const struct vballoon_topic *topic, uint32_t device)
{
	return !topic->device || topic->device == device;
}

/* Whether a topic has something for a device with this ring. */
static inline bool vballoon_topic_is_for(const struct vballoon_topic *topic, uint32_t device,
					 bool packed)
{
	return vballoon_topic_is_of(topic, device) &&
	       (topic->ring == VBALLOON_RING_ANY ||
		topic->ring == (packed ? VBALLOON_RING_PACKED : VBALLOON_RING_SPLIT));
}

#endif /* VBALLOON_CONFORMANCE_CASE_H */
