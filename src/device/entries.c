// SPDX-License-Identifier: BSD-3-Clause
/* What an entry names, and whether it may. */
#include "device/core.h"

/* Keeps DEV-ADD-3, DEV-ADD-4, DEV-RUNS-3, DEV-EXCHANGE-8. */
bool vballoon_entry_is_memory(const struct vballoon_device *device,
			      const struct vballoon_entry *entry, enum vballoon_refusal *cause_out)
{
	*cause_out = VBALLOON_REFUSED_MISALIGNED;
	if (!entry->aligned)
		return false;
	*cause_out = VBALLOON_REFUSED_OUTSIDE_MEMORY;
	return !entry->wraps &&
	       vballoon_memory_covers(&device->memory, vballoon_gpa(entry->gpa),
				      vballoon_bytes(vballoon_entry_bytes(device, entry)));
}

/* Keeps DEV-ADD-5. */
bool vballoon_entry_is_drivers(const struct vballoon_device *device,
			       const struct vballoon_entry *entry, enum vballoon_refusal *cause_out)
{
	if (!vballoon_entry_is_memory(device, entry, cause_out))
		return false;
	*cause_out = VBALLOON_REFUSED_RING;
	return !vballoon_queues_touch(device, entry->gpa, vballoon_entry_bytes(device, entry));
}
