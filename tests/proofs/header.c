/* SPDX-License-Identifier: BSD-3-Clause */
/* A front end's header and regions: what passes fits, does not wrap, and can be mapped. */
#include "proof.h"

#include "vhost_user/codec.c"

void proof(void)
{
	const struct vhost_user_header header = { nondet_u32(), nondet_u32(), nondet_u32() };
	const struct vhost_user_region region = { nondet_u64(), nondet_u64(), nondet_u64(),
						  nondet_u64() };

	if (!vballoon_codec_check_header(&header)) {
		HOLDS(header.size <= VBALLOON_PAYLOAD_MAX);
		HOLDS((header.flags & 7) == 1);
		REACHED(header.size == VBALLOON_PAYLOAD_MAX);
	}
	if (!vballoon_codec_check_region(&region)) {
		HOLDS(region.size && region.size <= INT64_MAX);
		HOLDS(region.guest_addr <= INT64_MAX - region.size);
		HOLDS(region.mmap_offset <= INT64_MAX - region.size);
		HOLDS(region.user_addr <= UINT64_MAX - region.size);
		HOLDS(region.guest_addr % 4096 == region.mmap_offset % 4096);
		REACHED(region.mmap_offset % 4096 == 8);
	}
}
