/* SPDX-License-Identifier: BSD-3-Clause */
#include "embed_guest.h"

#include <endian.h>
#include <linux/virtio_ring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <vballoon/abi/memory_balloon.h>

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
	uint16_t said; /* messages */
};

/* A part of the one queue that this guest uses. */
static void *todevq(struct embed_guest *guest, uint64_t at)
{
	return guest->memory + at;
}

struct embed_guest *embed_guest_new(void *memory)
{
	struct embed_guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->memory = memory;
	memset(memory, 0, ANSWER_AT);
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

/* One message at a time, always in the same two descriptors. */
static void say(struct embed_guest *guest, const void *message, size_t len)
{
	struct vring_desc *desc = todevq(guest, DESC_AT(VIRTIO_MEMORY_BALLOON_VQ_TODEV));
	struct vring_avail *avail = todevq(guest, AVAIL_AT(VIRTIO_MEMORY_BALLOON_VQ_TODEV));

	memcpy(guest->memory + MESSAGE_AT, message, len);
	desc[0] = (struct vring_desc){
		.addr = htole64(MESSAGE_AT),
		.len = htole32((uint32_t)len),
		.flags = htole16(VRING_DESC_F_NEXT),
		.next = htole16(1),
	};
	desc[1] = (struct vring_desc){
		.addr = htole64(ANSWER_AT),
		.len = htole32(ANSWER_BYTES),
		.flags = htole16(VRING_DESC_F_WRITE),
	};
	avail->ring[guest->said % QUEUE_SIZE] = htole16(0);
	atomic_thread_fence(memory_order_release);
	avail->idx = htole16(++guest->said);
}

void embed_guest_say_hello(struct embed_guest *guest, uint64_t epoch)
{
	const struct virtio_memory_balloon_hello hello = {
		.msg = { .type = htole32(VIRTIO_MEMORY_BALLOON_MSG_HELLO) },
		.epoch = htole64(epoch),
		.unit_shift = htole32(PAGE_SHIFT),
	};

	say(guest, &hello, sizeof(hello));
}

void embed_guest_add(struct embed_guest *guest, uint64_t address, uint64_t pages)
{
	const struct {
		struct virtio_memory_balloon_msg msg;
		__le64 run;
	} add = {
		.msg = { .type = htole32(VIRTIO_MEMORY_BALLOON_MSG_ADD) },
		.run = htole64(address | (pages - 1)),
	};

	say(guest, &add, sizeof(add));
}

void embed_guest_withdraw(struct embed_guest *guest, uint64_t most)
{
	const struct virtio_memory_balloon_withdraw withdraw = {
		.msg = { .type = htole32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW) },
		.most = htole64(most),
	};

	say(guest, &withdraw, sizeof(withdraw));
}

bool embed_guest_answer(struct embed_guest *guest, uint64_t *answer_out)
{
	const struct vring_used *used = todevq(guest, USED_AT(VIRTIO_MEMORY_BALLOON_VQ_TODEV));
	uint64_t answer = 0;
	uint32_t written;

	if (le16toh(used->idx) != guest->said)
		return false;
	atomic_thread_fence(memory_order_acquire);
	written = le32toh(used->ring[(guest->said - 1) % QUEUE_SIZE].len);
	memcpy(&answer, guest->memory + ANSWER_AT,
	       written < sizeof(answer) ? written : sizeof(answer));
	*answer_out = le64toh(answer);
	return true;
}
