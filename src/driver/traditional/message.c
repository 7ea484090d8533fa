/* SPDX-License-Identifier: BSD-3-Clause */
/* What an inflate or a deflate names: page numbers, those of a unit together. */
#include "base/le.h"
#include "driver/traditional/core.h"

void vballoon_traditional_message_append(struct vballoon_traditional_guest *guest,
					 struct vballoon_traditional_message *message, uint64_t gpa,
					 uint64_t units)
{
	for (; units; units--, gpa += UINT64_C(1) << guest->config.unit_shift)
		message->pfns[message->count++] = (uint32_t)(gpa >> VIRTIO_BALLOON_PFN_SHIFT);
}

uint64_t vballoon_traditional_message_room(const struct vballoon_traditional_guest *guest,
					   const struct vballoon_traditional_message *message)
{
	return TRADITIONAL_PFNS / vballoon_traditional_unit_pages(guest) - message->count;
}

size_t vballoon_traditional_message_write(const struct vballoon_traditional_guest *guest,
					  const struct vballoon_traditional_message *message,
					  __le32 *shared)
{
	uint32_t pages = (uint32_t)vballoon_traditional_unit_pages(guest);
	size_t pfns = 0;

	for (uint32_t i = 0; i < message->count; i++) {
		for (uint32_t j = 0; j < pages; j++)
			shared[pfns++] = vballoon_le32(message->pfns[i] + j);
	}
	return pfns * sizeof(shared[0]);
}

void vballoon_traditional_message_empty(struct vballoon_traditional_guest *guest,
					struct vballoon_traditional_message *message,
					void (*take)(struct vballoon_traditional_guest *guest,
						     uint64_t gpa, uint64_t units))
{
	uint64_t pages = vballoon_traditional_unit_pages(guest);
	uint32_t i = 0;

	while (i < message->count) {
		uint64_t first = message->pfns[i], units = 0;

		while (i < message->count && message->pfns[i] == first + units * pages) {
			units++;
			i++;
		}
		take(guest, first << VIRTIO_BALLOON_PFN_SHIFT, units);
	}
	message->count = 0;
	message->in_flight = false;
}
