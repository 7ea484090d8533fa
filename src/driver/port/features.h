/* SPDX-License-Identifier: BSD-3-Clause */
/* Which features a driver accepts. */
#ifndef VBALLOON_DRIVER_PORT_FEATURES_H
#define VBALLOON_DRIVER_PORT_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/ring_features.h"

/* virtio 1.3, 6 Reserved Feature Bits. */
#define GUEST_F_VERSION_1 (UINT64_C(1) << 32)

/* Whether a guest as in @config can have a feature, once @features are what is left of those
 * that are offered and wanted, with those of lower bits decided. */
typedef bool (*vballoon_guest_can)(const void *config, uint64_t features);

/* The features to accept. @can is by bit, NULL for one that the driver does not know. */
uint64_t vballoon_guest_negotiate(uint64_t offered, uint64_t wanted, const vballoon_guest_can *can,
				  unsigned int count, const void *config);

#endif /* VBALLOON_DRIVER_PORT_FEATURES_H */
