/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/memory_table.h"

#include <errno.h>
#include <string.h>

#include "host/fd_stat.h"
#include <vballoon/recover.h>

static enum vballoon_reclaimable slot_reclaimable(const struct vballoon_memory_table *table,
						  const struct vballoon_slot *slot)
{
	if (table->not_shared && slot->probed == VBALLOON_RECLAIMABLE)
		return VBALLOON_KEEP_NOT_SHARED;
	return slot->probed;
}

/* Tell the device of a slot, if it has anything for it. */
static int slot_attach(struct vballoon_memory_table *table, struct vballoon_slot *slot,
		       bool recover)
{
	int ret;

	if (!slot->region.page_map)
		return 0;
	slot->region.reclaimable = slot_reclaimable(table, slot);
	ret = recover ? vballoon_device_recover_region(table->device, &slot->region)
		      : vballoon_device_add_region(table->device, &slot->region);
	slot->in_device = !ret;
	return ret;
}

static void slot_detach(struct vballoon_memory_table *table, struct vballoon_slot *slot)
{
	if (slot->in_device)
		vballoon_device_remove_region(table->device, slot->region.gpa);
	slot->in_device = false;
}

static void slot_drop(struct vballoon_memory_table *table, unsigned int index)
{
	struct vballoon_slot *slot = table->slots[index];

	slot_detach(table, slot);
	vballoon_slot_free(slot);
	table->slots[index] = table->slots[--table->count];
}

int vballoon_memory_table_add(struct vballoon_memory_table *table,
			      const struct vhost_user_region *region, int fd,
			      const char **fault_out)
{
	struct vballoon_slot *slot;
	int ret = vballoon_slot_new(region, fd, table->page_shift, &slot, fault_out);

	if (ret)
		return ret;
	ret = table->count == VBALLOON_MEMORY_REGIONS_MAX ? -ENOSPC
							  : slot_attach(table, slot, false);
	if (ret) {
		vballoon_slot_free(slot);
		return ret;
	}
	table->slots[table->count++] = slot;
	return 0;
}

int vballoon_memory_table_recover(struct vballoon_memory_table *table,
				  const struct vhost_user_region *region, int fd, int page_map_fd,
				  uint64_t id)
{
	struct vballoon_slot *slot;
	int ret = vballoon_slot_recover(region, fd, page_map_fd, table->page_shift, &slot);

	if (ret)
		return ret;
	slot->id = id;
	ret = slot_attach(table, slot, true);
	if (ret)
		vballoon_slot_free(slot);
	else
		table->slots[table->count++] = slot;
	return ret;
}

int vballoon_memory_table_remove(struct vballoon_memory_table *table,
				 const struct vhost_user_region *region)
{
	for (unsigned int i = 0; i < table->count; i++) {
		const struct vhost_user_region *wire = &table->slots[i]->wire;

		if (wire->guest_addr == region->guest_addr &&
		    wire->user_addr == region->user_addr && wire->size == region->size) {
			slot_drop(table, i);
			return 0;
		}
	}
	return -ENOENT;
}

int vballoon_memory_table_set(struct vballoon_memory_table *table,
			      const struct vhost_user_region *regions, int *fds, unsigned int count,
			      const char **fault_out)
{
	bool kept[VHOST_USER_FDS_MAX] = { false };

	/* Those that go must be gone before others can take their place. */
	for (unsigned int i = table->count; i-- > 0;) {
		bool keep = false;

		for (unsigned int j = 0; j < count && !keep; j++) {
			keep = !kept[j] && vballoon_slot_is(table->slots[i], &regions[j], fds[j]);
			if (keep) {
				/* The front end may see it elsewhere now. */
				table->slots[i]->wire.user_addr = regions[j].user_addr;
				kept[j] = true;
			}
		}
		if (!keep)
			slot_drop(table, i);
	}

	for (unsigned int j = 0; j < count; j++) {
		int fd = fds[j];
		int ret;

		if (kept[j])
			continue;
		fds[j] = -1;
		ret = vballoon_memory_table_add(table, &regions[j], fd, fault_out);
		if (ret)
			return ret;
	}
	return 0;
}

void vballoon_memory_table_clear(struct vballoon_memory_table *table)
{
	while (table->count)
		slot_drop(table, table->count - 1);
}

static const struct vballoon_slot *slot_find(const struct vballoon_memory_table *table,
					     uint64_t user_addr)
{
	for (unsigned int i = 0; i < table->count; i++) {
		const struct vhost_user_region *wire = &table->slots[i]->wire;

		if (user_addr >= wire->user_addr && user_addr - wire->user_addr < wire->size)
			return table->slots[i];
	}
	return NULL;
}

int vballoon_memory_table_translate(const struct vballoon_memory_table *table, uint64_t user_addr,
				    struct vballoon_gpa *gpa_out)
{
	const struct vballoon_slot *slot = slot_find(table, user_addr);

	if (!slot)
		return -EFAULT;
	*gpa_out = vballoon_gpa(slot->wire.guest_addr + (user_addr - slot->wire.user_addr));
	return 0;
}

int vballoon_memory_table_populate(struct vballoon_memory_table *table, struct vballoon_gpa gpa,
				   uint64_t len)
{
	int ret = 0;

	for (unsigned int i = 0; i < table->count && !ret; i++) {
		const struct vballoon_region *region = &table->slots[i]->region;
		uint64_t first = gpa.value > region->gpa.value ? gpa.value : region->gpa.value;
		uint64_t end = region->gpa.value + region->size.value;

		if (gpa.value + len < end)
			end = gpa.value + len;
		if (table->slots[i]->in_device && first < end)
			ret = vballoon_presence_populate(&table->presence, table->slots[i],
							 first - region->gpa.value, end - first);
	}
	return ret;
}

bool vballoon_memory_table_is_zero(const struct vballoon_memory_table *table, uint64_t user_addr,
				   uint64_t len)
{
	const struct vballoon_slot *slot = slot_find(table, user_addr);
	const volatile uint8_t *bytes;
	uint64_t gpa, offset;

	if (!slot || !slot->in_device)
		return false;
	gpa = slot->wire.guest_addr + (user_addr - slot->wire.user_addr);
	if (gpa < slot->region.gpa.value)
		return false;
	offset = gpa - slot->region.gpa.value;
	if (offset >= slot->region.size.value || len > slot->region.size.value - offset)
		return false;
	if (vballoon_slot_populate(slot, offset, len))
		return false;
	bytes = (const volatile uint8_t *)slot->region.host + offset;
	for (uint64_t i = 0; i < len; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

void vballoon_memory_table_set_shared(struct vballoon_memory_table *table, bool shared)
{
	if (table->not_shared == !shared)
		return;
	table->not_shared = !shared;
	for (unsigned int i = 0; i < table->count; i++) {
		struct vballoon_slot *slot = table->slots[i];

		slot->region.reclaimable = slot_reclaimable(table, slot);
		if (slot->in_device)
			vballoon_device_set_reclaimable(table->device, slot->region.gpa,
							slot->region.reclaimable);
	}
}

uint64_t vballoon_memory_table_bytes(const struct vballoon_memory_table *table)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < table->count; i++)
		bytes += table->slots[i]->wire.size;
	return bytes;
}

static bool file_seen_before(const struct vballoon_memory_table *table, unsigned int index)
{
	const struct vballoon_slot *slot = table->slots[index];

	for (unsigned int i = 0; i < index; i++) {
		if (table->slots[i]->file_device == slot->file_device &&
		    table->slots[i]->file_inode == slot->file_inode)
			return true;
	}
	return false;
}

uint64_t vballoon_memory_table_backing_bytes(const struct vballoon_memory_table *table)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < table->count; i++) {
		struct stat st;

		/* One file is behind all of a PC's boot memory, in several slots. */
		if (!file_seen_before(table, i) && !vballoon_fd_stat(table->slots[i]->fd, &st))
			bytes += (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

enum vballoon_reclaimable vballoon_memory_table_kept(const struct vballoon_memory_table *table)
{
	enum vballoon_reclaimable cause = VBALLOON_RECLAIMABLE;
	uint64_t largest = 0;

	for (unsigned int i = 0; i < table->count; i++) {
		const struct vballoon_slot *slot = table->slots[i];

		if (slot->region.reclaimable != VBALLOON_RECLAIMABLE && slot->wire.size > largest) {
			largest = slot->wire.size;
			cause = slot->region.reclaimable;
		}
	}
	return cause;
}
