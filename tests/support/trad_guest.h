/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest for the portable driver of the traditional balloon: the memory of port_guest.h and
 * its account of who owns what, with the operations of the other device.
 */
#ifndef VBALLOON_TESTS_TRAD_GUEST_H
#define VBALLOON_TESTS_TRAD_GUEST_H

#include <vballoon/traditional_guest.h>

#include "port_guest.h"

#define TRAD_BIT(name) (UINT64_C(1) << VIRTIO_BALLOON_F_##name)
#define TRAD_QUEUES VIRTIO_BALLOON_VQ_MAX

/* The other side. */
struct trad_side {
	void (*reset)(void *side);
	int (*start)(void *side, uint64_t features,
		     const struct vballoon_traditional_guest_queue *queues, unsigned int count);
	void (*notify)(void *side, unsigned int index);
};

struct trad_guest {
	struct port_guest port; /* the operations take either for their context */
	const struct trad_side *side_ops;
	void *side;
	struct vballoon_traditional_guest_ops ops; /* a test may change them before */
	struct vballoon_traditional_guest_config config; /* trad_guest_init() */
	_Alignas(16) unsigned char storage[VBALLOON_TRADITIONAL_GUEST_BYTES];
	struct vballoon_traditional_guest *driver;
	uint32_t queue_sizes[TRAD_QUEUES]; /* by number */
	uint32_t num_pages, actual; /* configuration space */
	unsigned int actual_writes;
	unsigned int reserves; /* calls of get_reserve() */
};

/* Memory, and a configuration for a device that offers @offered, with units of
 * 2^@unit_shift bytes. No driver yet. */
void trad_guest_prepare(struct trad_guest *guest, uint64_t offered, uint32_t unit_shift);
/* The same in memory of the caller's, PORT_BYTES of it. */
void trad_guest_prepare_at(struct trad_guest *guest, uint64_t offered, uint32_t unit_shift,
			   void *host);
/* Make and start the driver of what is configured. */
void trad_guest_init(struct trad_guest *guest, const struct trad_side *ops, void *side);
void trad_guest_destroy(struct trad_guest *guest);

/* Let the driver run until it wants to wait. */
void trad_guest_run(struct trad_guest *guest);

/* The device wants @pages in the balloon; the driver has yet to run. */
void trad_guest_want(struct trad_guest *guest, uint32_t pages);

/* Take units directly: they are the guest's. Returns how many. */
uint64_t trad_guest_take(struct trad_guest *guest, uint64_t most);

struct vballoon_traditional_guest_status trad_guest_status(const struct trad_guest *guest);

#endif /* VBALLOON_TESTS_TRAD_GUEST_H */
