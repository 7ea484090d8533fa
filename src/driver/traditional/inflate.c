/* SPDX-License-Identifier: BSD-3-Clause */
/* inflateq: memory goes into the balloon. */
#include "driver/traditional/core.h"

/* Take a block from the guest: units, or 0. */
static uint64_t get(struct vballoon_traditional_guest *guest, uint64_t most, uint64_t *gpa_out)
{
	const struct vballoon_traditional_guest_ops *ops = guest->config.ops;
	/* At once, and though the device wants it in the balloon. */
	bool may_be_had_back = vballoon_traditional_has(guest, VIRTIO_BALLOON_F_SILENT_DEFLATE) &&
			       vballoon_traditional_has(guest, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	struct vballoon_gpa gpa = { 0 };
	uint64_t units;

	units = (may_be_had_back ? ops->get_reserve : ops->get_page)(guest->config.context, most,
								     &gpa);
	if (!units)
		return 0;
	*gpa_out = gpa.value;
	if (units <= most && vballoon_traditional_is_givable(guest, gpa.value, units))
		return units;
	guest->bad_pages += units * vballoon_traditional_unit_pages(guest);
	ops->return_page(guest->config.context, gpa, units, VBALLOON_GUEST_REFUSED);
	return 0;
}

/* False: memory is short. */
static bool fill(struct vballoon_traditional_guest *guest,
		 struct vballoon_traditional_message *message, uint64_t units)
{
	uint64_t room = vballoon_traditional_message_room(guest, message);

	for (uint64_t left = units < room ? units : room; left;) {
		uint64_t gpa, found = get(guest, left, &gpa);

		if (!found)
			return false;
		vballoon_traditional_message_append(guest, message, gpa, found);
		left -= found;
	}
	return true;
}

bool vballoon_traditional_inflate_send(struct vballoon_traditional_guest *guest, uint64_t pages)
{
	uint32_t slots = guest->rings[VIRTIO_BALLOON_VQ_INFLATE].ring.size;
	struct vballoon_traditional_message *message;
	uint32_t index = 0;
	size_t len;

	while (index < TRADITIONAL_INFLATES && index < slots && guest->inflates[index].in_flight)
		index++;
	if (index == TRADITIONAL_INFLATES || index == slots)
		return false;
	message = &guest->inflates[index];
	if (!fill(guest, message, pages / vballoon_traditional_unit_pages(guest)))
		vballoon_decide_no_memory(&guest->decide, guest->life.now_ms);
	if (!message->count)
		return true;
	len = vballoon_traditional_message_write(guest, message, guest->shared->inflates[index]);
	message->in_flight = true;
	vballoon_decide_add_sent(&guest->decide,
				 message->count * vballoon_traditional_unit_pages(guest));
	vballoon_traditional_send(guest, VIRTIO_BALLOON_VQ_INFLATE, guest->shared->inflates[index],
				  len, index);
	return true;
}

static void put(struct vballoon_traditional_guest *guest, uint64_t gpa, uint64_t units)
{
	vballoon_traditional_pool_put(&guest->pool, gpa, units);
}

/* Only now may a page be had back (virtio 1.3, 5.5.6.1). How much the device says that it wrote
 * means nothing (5.5.6.2.1). */
void vballoon_traditional_inflate_answered(struct vballoon_traditional_guest *guest, uint64_t token)
{
	struct vballoon_traditional_message *message = &guest->inflates[token];
	uint64_t pages = message->count * vballoon_traditional_unit_pages(guest);

	vballoon_traditional_message_empty(guest, message, put);
	vballoon_decide_add_answered(&guest->decide, pages, pages, guest->life.now_ms);
}

void vballoon_traditional_inflate_recall(struct vballoon_traditional_guest *guest)
{
	for (unsigned int i = 0; i < TRADITIONAL_INFLATES; i++)
		vballoon_traditional_message_empty(guest, &guest->inflates[i], put);
}
