/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries that a table describes: where in, or beside, guest memory they lie. */
#ifndef VBALLOON_CONFORMANCE_PLACE_H
#define VBALLOON_CONFORMANCE_PLACE_H

#include "conformance/trial.h"

enum vballoon_place {
	PLACE_ZERO, /* guest address 0 */
	PLACE_BASE, /* the beginning of guest memory; the rings are there */
	PLACE_BALLOON,
	PLACE_SEAM,
	PLACE_HOLE,
	PLACE_ISLAND,
	PLACE_END,
	PLACE_RING_1, /* the page with the second queue's ring */
};

/* @pages balloon pages and @bytes bytes from a place on. */
struct vballoon_place_row {
	enum vballoon_place place;
	int64_t pages, bytes;
	uint64_t units; /* of the run; 0: one, written without a count */
	uint32_t unit_more; /* the unit is so many shifts above a page */
};

/* The entry, in the host's byte order. */
uint64_t vballoon_place_entry(const struct vballoon_trial *trial,
			      const struct vballoon_place_row *row);

/* Where vballoon_place_withdraw() leaves a WITHDRAW of no pages, room for its answer, and
 * room for an indirect table. */
#define SAID (VBALLOON_BASE + VBALLOON_PLACE_READABLE)
#define SAID_BYTES 16U
#define ROOM (VBALLOON_BASE + VBALLOON_PLACE_WRITABLE)
#define TABLE (VBALLOON_BASE + VBALLOON_PLACE_TABLE)

/* Addresses that the layout decides: what vballoon_place_address() makes of these. */
#define HOLE UINT64_C(0xabababababab0010)
#define BEFORE_HOLE UINT64_C(0xabababababab0011) /* by eight bytes */
#define BEHIND_MEMORY UINT64_C(0xabababababab0012)

uint64_t vballoon_place_address(const struct vballoon_trial *trial, uint64_t address);
void vballoon_place_withdraw(struct vballoon_trial *trial);

/* Pages that the entry names. */
static inline uint64_t vballoon_place_pages(const struct vballoon_place_row *row)
{
	return (row->units ? row->units : 1) << row->unit_more;
}

#endif /* VBALLOON_CONFORMANCE_PLACE_H */
