/* SPDX-License-Identifier: BSD-3-Clause */
/* What a saved state says, and what may be wrong with one. */
#include "state/saved.h"

struct vballoon_feature_set vballoon_saved_features(const struct vballoon_saved *saved)
{
	return (struct vballoon_feature_set){
		.device_id = saved->device_id,
		.revision = saved->record.revision,
		.page_shift = saved->record.page_shift,
		.has_driver = saved->record.features != 0,
		.negotiated = saved->record.features,
	};
}

enum vballoon_saved_fault vballoon_saved_read(const void *state, size_t len,
					      struct vballoon_saved_info *info_out)
{
	struct vballoon_saved saved;
	enum vballoon_saved_fault fault = vballoon_saved_open(state, len, &saved);

	if (fault || !info_out)
		return fault;
	*info_out = (struct vballoon_saved_info){
		.features = vballoon_saved_features(&saved),
		.has_record = saved.record.valid,
		.epoch = saved.record.epoch,
		.unit_shift = saved.record.unit_shift,
		.held_pages = saved.held,
		.target_pages = saved.record.target,
		.memory_pages = saved.memory_pages,
	};
	return VBALLOON_SAVED_OK;
}

/* clang-format off */
static const struct {
	const char *name, *text;
} faults[VBALLOON_SAVED_FAULT_COUNT] = {
	[VBALLOON_SAVED_OK] = { "none", "nothing is wrong" },
	[VBALLOON_SAVED_ALIEN] = { "alien", "this is no saved state: give what save-state has written" },
	[VBALLOON_SAVED_NEWER] = { "newer-version",
		"a newer version has saved this state: load it with that one" },
	[VBALLOON_SAVED_TRUNCATED] = { "truncated",
		"the state is not as long as it says: copy all of it again" },
	[VBALLOON_SAVED_CORRUPT] = { "corrupt",
		"the state is damaged: copy it again, or save it anew" },
	[VBALLOON_SAVED_CANNOT_MOVE] = { "cannot-move",
		"the state is of a device that this one cannot stand for" },
	[VBALLOON_SAVED_OTHER_MEMORY] = { "other-memory",
		"the state is of a guest with other memory: give this guest the same size and slots" },
	[VBALLOON_SAVED_OTHER_DRIVER] = { "other-driver",
		"the guest's driver has negotiated other features since the state was saved: its "
		"balloon begins empty" },
};
/* clang-format on */

static bool is_fault(enum vballoon_saved_fault fault)
{
	return (unsigned int)fault < VBALLOON_SAVED_FAULT_COUNT;
}

const char *vballoon_saved_fault_name(enum vballoon_saved_fault fault)
{
	return is_fault(fault) ? faults[fault].name : "unknown";
}

const char *vballoon_saved_fault_text(enum vballoon_saved_fault fault)
{
	return is_fault(fault) ? faults[fault].text : "not a known fault";
}
