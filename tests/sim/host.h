/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host: it carries out the device's drops, spoiling the memory for good,
 * and may be out of memory when dropped memory is wanted back.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/reclaim.h>

#include "mutant.h"
#include "oracle.h"
#include "rng.h"

struct host {
	struct oracle *oracle;
	struct trace *trace;
	struct rng *rng;
	enum mutant mutant;
	bool zeroes; /* what it drops reads as zeros, not as rubbish */
	bool limited; /* what it drops may be missed */
	unsigned int drop_failures; /* percent */
	unsigned int restore_failures; /* percent */
	uint64_t drops, drops_failed, restores, restores_failed, discards;
};

/* As in struct vballoon_reclaim_ops. */
int host_drop(struct host *host, const struct vballoon_region *region, struct vballoon_bytes offset,
	      struct vballoon_bytes len);
int host_restore(struct host *host, const struct vballoon_region *region,
		 struct vballoon_bytes offset, struct vballoon_bytes len);

int host_discard(struct host *host, const struct vballoon_region *region,
		 struct vballoon_bytes offset, struct vballoon_bytes len);

#endif /* SIM_HOST_H */
