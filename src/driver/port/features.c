/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver/port/features.h"

/* INDIRECT_DESC buys nothing here; addresses are the guest's physical ones. */
#define RING_FEATURES (GUEST_F_VERSION_1 | (VBALLOON_F_RING_ALL & ~VBALLOON_F_INDIRECT_DESC))

/* Keeps DRV-FEAT-2, DRV-FEAT-4, DRV-FEAT-6. */
uint64_t vballoon_guest_negotiate(uint64_t offered, uint64_t wanted, const vballoon_guest_can *can,
				  unsigned int count, const void *config)
{
	uint64_t features = offered & (wanted | GUEST_F_VERSION_1) &
			    (RING_FEATURES | ((UINT64_C(1) << count) - 1));

	for (unsigned int bit = 0; bit < count; bit++) {
		if (!can[bit] || !can[bit](config, features))
			features &= ~(UINT64_C(1) << bit);
	}
	return features;
}
