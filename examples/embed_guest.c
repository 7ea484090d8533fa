/* SPDX-License-Identifier: BSD-3-Clause */
#include "embed_guest.h"

#include <stdlib.h>
#include <string.h>

#include <vballoon/abi/memory_balloon.h>

#include "base/le.h"
#include "ring/driver_ring.h"

#define QUEUE_SIZE 16
#define PAGE_SHIFT 12

/* Where things lie in the guest's memory. */
#define DESC_AT(index) ((index)*UINT64_C(0x1000))
#define AVAIL_AT(index) (DESC_AT(index) + 0x400)
#define USED_AT(index) (DESC_AT(index) + 0x800)
#define MESSAGE_AT UINT64_C(0x4000)
#define ANSWER_AT UINT64_C(0x5000)
#define ANSWER_BYTES sizeof(uint64_t)

struct embed_guest {
	unsigned char *memory;
	struct {
		struct vballoon_driver_ring ring;
		struct vballoon_driver_slot slots[QUEUE_SIZE];
		uint16_t links[QUEUE_SIZE];
	} queues[VIRTIO_MEMORY_BALLOON_VQ_COUNT];
};

static struct vballoon_driver_ring *todevq(struct embed_guest *guest)
{
	return &guest->queues[VIRTIO_MEMORY_BALLOON_VQ_TODEV].ring;
}

struct embed_guest *embed_guest_new(void *memory)
{
	struct embed_guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->memory = memory;
	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++) {
		guest->queues[i].ring = (struct vballoon_driver_ring){
			.size = QUEUE_SIZE,
			.desc = guest->memory + DESC_AT(i),
			.avail = guest->memory + AVAIL_AT(i),
			.used = guest->memory + USED_AT(i),
			.slots = guest->queues[i].slots,
			.links = guest->queues[i].links,
		};
		vballoon_driver_ring_start(&guest->queues[i].ring);
	}
	return guest;
}

void embed_guest_free(struct embed_guest *guest)
{
	free(guest);
}

struct vballoon_queue embed_guest_queue(unsigned int index)
{
	return (struct vballoon_queue){
		.size = QUEUE_SIZE,
		.desc = vballoon_gpa(DESC_AT(index)),
		.avail = vballoon_gpa(AVAIL_AT(index)),
		.used = vballoon_gpa(USED_AT(index)),
	};
}

static void say(struct embed_guest *guest, const void *message, size_t len)
{
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(MESSAGE_AT), (uint32_t)len, false },
		{ vballoon_gpa(ANSWER_AT), (uint32_t)ANSWER_BYTES, true },
	};

	memcpy(guest->memory + MESSAGE_AT, message, len);
	/* One message at a time: there is always room. */
	(void)vballoon_driver_ring_post(todevq(guest), buffers, 2, 0);
}

void embed_guest_say_hello(struct embed_guest *guest, uint64_t epoch)
{
	const struct virtio_memory_balloon_hello hello = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO) },
		.epoch = vballoon_le64(epoch),
		.unit_shift = vballoon_le32(PAGE_SHIFT),
	};

	say(guest, &hello, sizeof(hello));
}

void embed_guest_add(struct embed_guest *guest, uint64_t address, uint64_t pages)
{
	const struct {
		struct virtio_memory_balloon_msg msg;
		__le64 run;
	} add = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD) },
		.run = vballoon_le64(address | (pages - 1)),
	};

	say(guest, &add, sizeof(add));
}

void embed_guest_withdraw(struct embed_guest *guest, uint64_t most)
{
	const struct virtio_memory_balloon_withdraw withdraw = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW) },
		.most = vballoon_le64(most),
	};

	say(guest, &withdraw, sizeof(withdraw));
}

bool embed_guest_answer(struct embed_guest *guest, uint64_t *answer_out)
{
	uint64_t token, answer = 0;
	uint32_t written;

	if (vballoon_driver_ring_collect(todevq(guest), &token, &written) != VBALLOON_COLLECT_ONE)
		return false;
	memcpy(&answer, guest->memory + ANSWER_AT,
	       written < sizeof(answer) ? written : sizeof(answer));
	*answer_out = vballoon_le64(answer);
	return true;
}
