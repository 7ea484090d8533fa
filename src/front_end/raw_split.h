/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A split ring written to field by field, which keeps no rule: for whoever wants to know
 * what the other side makes of that. Values are in the host's byte order.
 */
#ifndef VBALLOON_FRONT_END_RAW_SPLIT_H
#define VBALLOON_FRONT_END_RAW_SPLIT_H

#include <stdint.h>

#define VBALLOON_RAW_NEXT 1
#define VBALLOON_RAW_WRITE 2
#define VBALLOON_RAW_INDIRECT 4

struct vballoon_raw_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* Where the parts of a ring lie. */
struct vballoon_raw_split {
	unsigned char *desc, *avail, *used;
	uint16_t size;
};

/* Entry @index of a descriptor table, or of an indirect one. */
void vballoon_raw_split_set_desc(void *table, uint16_t index, const struct vballoon_raw_desc *desc);

/* Make a head available: write it to the available ring and count the index up. */
void vballoon_raw_split_available(const struct vballoon_raw_split *ring, uint16_t head);

/* Fields by their offset, as split.h has them. */
uint16_t vballoon_raw_split_get(const unsigned char *part, uint32_t offset);
void vballoon_raw_split_set(unsigned char *part, uint32_t offset, uint16_t value);

#endif /* VBALLOON_FRONT_END_RAW_SPLIT_H */
