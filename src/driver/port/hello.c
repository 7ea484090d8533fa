/* SPDX-License-Identifier: BSD-3-Clause */
/* HELLO: the first message of a life, and the answer to the device's doubts. */
#include "base/le.h"
#include "driver/port/core.h"

/* Keeps DRV-HELLO-3, DRV-HELLO-5, DRV-HELLO-9. */
void vballoon_guest_hello_send(struct vballoon_guest *guest)
{
	uint32_t flags = guest->hello.start_over ? VIRTIO_MEMORY_BALLOON_HELLO_START_OVER : 0;

	guest->hello.due = false;
	guest->shared->hello.out = (struct virtio_memory_balloon_hello){
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO),
		.msg.flags = vballoon_le32(flags),
		.epoch = vballoon_le64(guest->hello.epoch),
		.unit_shift = vballoon_le32(guest->format.unit_shift),
	};
	/* Of an answer that is not written nobody's count is right. */
	guest->shared->hello.in.held = ~(__le64)0;
	vballoon_guest_send(guest, GUEST_HELLO, &guest->shared->hello.out,
			    sizeof(guest->shared->hello.out), &guest->shared->hello.in,
			    sizeof(guest->shared->hello.in));
}

/* Keeps DRV-HELLO-2. */
void vballoon_guest_hello_start(struct vballoon_guest *guest)
{
	guest->hello = (struct vballoon_guest_hello){
		.epoch = guest->config.ops->random64(guest->config.context),
	};
	vballoon_guest_hello_send(guest);
}

/* Keeps DRV-HELLO-7, DRV-HELLO-8, DRV-BAD-10, DRV-BAD-11. */
void vballoon_guest_hello_answered(struct vballoon_guest *guest, unsigned int message,
				   uint32_t written)
{
	const volatile __le64 *shared = &guest->shared->hello.in.held;
	uint64_t held = vballoon_le64(*shared);

	(void)message;
	if (written < sizeof(guest->shared->hello.in)) {
		vballoon_guest_fail(guest, VBALLOON_GUEST_HELLO_SHORT);
		return;
	}
	if (vballoon_decide_greeted(&guest->decide, held)) {
		guest->hello.start_over = false;
		return;
	}
	if (guest->hello.start_over) {
		vballoon_guest_fail(guest, VBALLOON_GUEST_HELLO_HELD);
		return;
	}
	vballoon_decide_start_over(&guest->decide);
	vballoon_guest_pages_keep_all(&guest->pages);
	guest->hello.start_over = true;
	guest->hello.due = true;
}
