/* SPDX-License-Identifier: BSD-3-Clause */
/* Where what lies in a saved state; docs/state-format.md. */
#ifndef VBALLOON_STATE_SAVED_LAYOUT_H
#define VBALLOON_STATE_SAVED_LAYOUT_H

#include <stddef.h>

#include "state/record.h"
#include <vballoon/saved.h>

enum {
	AT_MAGIC = 0,
	AT_VERSION = 8,
	AT_DEVICE = 12,
	AT_BYTES = 16,
	AT_HELD = 24,
	AT_OWN_BYTES = 32,
	AT_EXTENTS = 36,
	AT_RECORD = 40,
	AT_OWN = AT_RECORD + sizeof(struct vballoon_record_state),
};

_Static_assert(AT_HELD == VBALLOON_SAVED_HEAD_BYTES, "the length is in the head");

/* The record, as it lies in memory (state/record.h). */
enum {
	AT_RECORD_MAGIC = offsetof(struct vballoon_record_state, magic),
	AT_RECORD_VERSION = offsetof(struct vballoon_record_state, version),
	AT_RECORD_VALID = offsetof(struct vballoon_record_state, valid),
	AT_RECORD_EPOCH = offsetof(struct vballoon_record_state, epoch),
	AT_RECORD_FEATURES = offsetof(struct vballoon_record_state, features),
	AT_RECORD_TARGET = offsetof(struct vballoon_record_state, target),
	AT_RECORD_UNIT_SHIFT = offsetof(struct vballoon_record_state, unit_shift),
	AT_RECORD_PAGE_SHIFT = offsetof(struct vballoon_record_state, page_shift),
	AT_RECORD_REVISION = offsetof(struct vballoon_record_state, revision),
};

#define EXTENT_BYTES 16
#define CHECKSUM_BYTES 4
#define VBALLOON_SAVED_NUMBER_BYTES 10 /* the longest number of a run */

#endif /* VBALLOON_STATE_SAVED_LAYOUT_H */
