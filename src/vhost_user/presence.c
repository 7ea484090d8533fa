/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/presence.h"

void vballoon_presence_begin(struct vballoon_presence *presence)
{
	presence->running = true;
}

void vballoon_presence_end(struct vballoon_presence *presence)
{
	vballoon_presence_forget(presence);
	presence->running = false;
}

void vballoon_presence_forget(struct vballoon_presence *presence)
{
	presence->count = 0;
	presence->oldest = 0;
}

static bool has(const struct vballoon_presence *presence, const struct vballoon_slot *slot,
		uint64_t page)
{
	for (unsigned int i = 0; i < presence->count; i++) {
		if (presence->pages[i].page == page && presence->pages[i].slot == slot)
			return true;
	}
	return false;
}

static void add(struct vballoon_presence *presence, const struct vballoon_slot *slot, uint64_t page)
{
	unsigned int index = presence->count;

	if (presence->count < VBALLOON_PRESENCE_MAX)
		presence->count++;
	else
		index = presence->oldest++ % VBALLOON_PRESENCE_MAX;
	presence->pages[index] = (struct vballoon_present){ slot, page };
}

int vballoon_presence_populate(struct vballoon_presence *presence, const struct vballoon_slot *slot,
			       uint64_t offset, uint64_t len)
{
	uint32_t shift = slot->region.host_page_shift;
	uint64_t place = slot->backing.offset + offset;
	uint64_t page = place >> shift;
	bool one = (place + len - 1) >> shift == page;
	int ret;

	if (!slot->may_fault || (one && has(presence, slot, page)))
		return 0;
	ret = vballoon_slot_populate(slot, offset, len);
	if (!ret && one && presence->running)
		add(presence, slot, page);
	return ret;
}
