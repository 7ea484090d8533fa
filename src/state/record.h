/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of the record that belongs to the device as a whole: whose pages the
 * page maps speak of, and in which terms. With the page maps (state/page_map.h)
 * it is all that outlives the device. A fixed little struct that can lie in the
 * caller's memory; byte order as in a page map.
 *
 * Order of writing: valid is cleared before the page maps are emptied and the
 * other fields change, and set after. So a record found after a crash is
 * either whole or invalid, and an invalid one means: nothing is held.
 */
#ifndef VBALLOON_STATE_RECORD_H
#define VBALLOON_STATE_RECORD_H

#include <stdint.h>

#define VBALLOON_RECORD_MAGIC UINT64_C(0x6365726c6c616276) /* "vballrec" */
#define VBALLOON_RECORD_VERSION 1

struct vballoon_record_state {
	uint64_t magic;
	uint32_t version;
	uint32_t valid; /* 1: the driver has said HELLO, and what follows is its */
	uint64_t epoch; /* from HELLO */
	uint64_t features; /* negotiated */
	uint64_t target; /* balloon pages; also before HELLO */
	uint32_t unit_shift; /* from HELLO */
	uint32_t page_shift;
	uint32_t revision; /* of the interface */
	uint32_t reserved0;
	uint64_t reserved1;
};

_Static_assert(sizeof(struct vballoon_record_state) == 64, "the record's layout is a format");

#endif /* VBALLOON_STATE_RECORD_H */
