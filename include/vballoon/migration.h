/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a guest can move from one balloon device to another: a pure comparison of what
 * was negotiated with what is offered.
 *
 * Migration must not change what the guest's driver finds. Every feature but one is
 * positive: it adds a capability, so a destination that offers what was negotiated is as
 * good as the source, and what it offers beyond that stays masked. MUST_TELL_HOST, of the
 * traditional balloon (device 5), is negative: leaving it out permits the driver to use a
 * page before the host is told, so it is a driver that did not accept it that cannot move
 * to a device which wants it. docs/positive-features.md tells the whole story.
 */
#ifndef VBALLOON_MIGRATION_H
#define VBALLOON_MIGRATION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What a driver finds in a device, and what it made of it. */
struct vballoon_feature_set {
	uint32_t device_id; /**< 13, the memory balloon; 5, the traditional one */
	uint32_t revision; /**< of the interface; 0: the device has none (5) */
	uint32_t page_shift; /**< log2 of the balloon page in bytes */
	uint64_t offered; /**< feature bits of the device and of its rings; not the transport's */
	bool has_driver; /**< a driver has negotiated; else @c negotiated means nothing */
	uint64_t negotiated; /**< of those offered */
};

/** Why a guest cannot move: bits, as there may be several reasons. */
enum vballoon_obstacle {
	VBALLOON_OBSTACLE_DEVICE = 1 << 0, /**< another device id */
	VBALLOON_OBSTACLE_REVISION = 1 << 1, /**< another revision of the interface */
	VBALLOON_OBSTACLE_PAGE = 1 << 2, /**< another balloon page */
	VBALLOON_OBSTACLE_MISSING = 1 << 3, /**< a feature in use is not offered there */
	VBALLOON_OBSTACLE_MUST_TELL = 1 << 4, /**< the driver did not accept MUST_TELL_HOST, and
						   the destination wants it */
};

/** How many obstacles there are: bit 0 to bit VBALLOON_OBSTACLE_COUNT - 1. */
#define VBALLOON_OBSTACLE_COUNT 5

/** What a check has found. */
struct vballoon_migration {
	unsigned int obstacles; /**< of enum vballoon_obstacle; 0: the guest can move */
	uint64_t missing; /**< negotiated, positive, and not offered by the destination */
	uint64_t masked; /**< offered by the destination and not negotiated: the guest must not
			      see them there, which the front end takes care of */
};

/**
 * Compare. A guest without a driver can move wherever the device itself is the same: what it
 * negotiates afterwards is between it and the destination.
 * @param source where the guest is; its offer is not looked at
 * @param destination where it is to go; what was negotiated there is not looked at
 * @param migration_out what was found
 */
void vballoon_migration_check(const struct vballoon_feature_set *source,
			      const struct vballoon_feature_set *destination,
			      struct vballoon_migration *migration_out);

/**
 * @param obstacle one bit
 * @return a short stable name, such as "missing-features", for programs
 */
const char *vballoon_obstacle_name(enum vballoon_obstacle obstacle);

/**
 * @param obstacle one bit
 * @return a sentence without its full stop on what is in the way and what to do
 */
const char *vballoon_obstacle_text(enum vballoon_obstacle obstacle);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_MIGRATION_H */
