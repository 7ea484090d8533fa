/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vballoon/abi/memory_balloon.h>

#include "base/le.h"
#include "memory.h"

#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV
#define QUEUE_SIZE (2 * BENCH_SLOTS) /* a message takes two descriptors */
#define FEATURES (UINT64_C(1) << 32 | UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)

/* Beyond any guest: the two rings, then the messages. */
#define WINDOW_AT (UINT64_C(1) << 46)
#define RING_BYTES (64 * UINT64_C(1024))
#define SLOT_BYTES (64 * UINT64_C(1024))
#define SLOTS_AT (WINDOW_AT + 2 * RING_BYTES)
#define WINDOW_BYTES (2 * RING_BYTES + BENCH_SLOTS * SLOT_BYTES)

static void expect(bool holds, const char *what)
{
	if (holds)
		return;
	errno = EPROTO;
	bench_die(what);
}

static void no_interrupt(void *context, unsigned int queue)
{
	(void)context;
	(void)queue;
}

static void add_region(struct bench_guest *guest, const struct vballoon_region *region,
		       void **page_map_out)
{
	size_t bytes = vballoon_page_map_bytes(region->size, BENCH_PAGE_SHIFT);
	struct vballoon_region with_map = *region;

	/* As the daemon has it: zeroed by the host, when it is touched. */
	*page_map_out = with_map.page_map = calloc(1, bytes);
	with_map.page_map_bytes = bytes;
	expect(with_map.page_map && !vballoon_device_add_region(guest->device, &with_map),
	       "a region");
	guest->page_map_bytes = bytes;
}

static void start_queues(struct bench_guest *guest)
{
	for (unsigned int i = 0; i < 2; i++) {
		ring_builder_init(&guest->rings[i], &guest->window, WINDOW_AT + i * RING_BYTES,
				  QUEUE_SIZE);
		ring_builder_start_driver(&guest->rings[i], (struct vballoon_ring_features){ 0 });
		expect(!vballoon_device_start_queue(guest->device, i, &guest->rings[i].queue),
		       "a queue");
	}
}

/* Where the next message is to be written; there is room for one. */
static uint64_t next_slot(struct bench_guest *guest)
{
	if (guest->posted == BENCH_SLOTS)
		bench_guest_finish(guest);
	return SLOTS_AT + guest->rings[TODEV].driver.avail_idx % BENCH_SLOTS * SLOT_BYTES;
}

static void *slot_at(struct bench_guest *guest, uint64_t slot)
{
	return guest_memory_at(&guest->window, slot, SLOT_BYTES);
}

static void post(struct bench_guest *guest, uint64_t slot, size_t len, size_t room)
{
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(slot), (uint32_t)len, false },
		{ vballoon_gpa(slot + len), (uint32_t)room, true },
	};

	expect(len + room <= SLOT_BYTES, "a message that fits");
	expect(!vballoon_driver_ring_post(&guest->rings[TODEV].driver, buffers, 2, slot + len),
	       "room in the ring");
	guest->posted++;
}

static void say_hello(struct bench_guest *guest)
{
	const struct virtio_memory_balloon_hello hello = {
		.msg = { vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO), 0 },
		.epoch = vballoon_le64(1),
		.unit_shift = vballoon_le32(BENCH_PAGE_SHIFT),
	};
	uint64_t slot = next_slot(guest), token;
	uint32_t written;

	memcpy(slot_at(guest, slot), &hello, sizeof(hello));
	post(guest, slot, sizeof(hello), sizeof(struct virtio_memory_balloon_hello_answer));
	while (vballoon_device_run(guest->device))
		;
	expect(vballoon_driver_ring_collect(&guest->rings[TODEV].driver, &token, &written) ==
		       VBALLOON_COLLECT_ONE,
	       "an answer to HELLO");
	guest->posted = 0;
}

static int drop_nothing(void *context, const struct vballoon_region *region,
			struct vballoon_bytes offset, struct vballoon_bytes len)
{
	(void)context;
	(void)region;
	(void)offset;
	(void)len;
	return 0;
}

const struct vballoon_reclaim_ops bench_reclaim_nothing = { .drop = drop_nothing };

void bench_guest_make(struct bench_guest *guest, const struct bench_region *region,
		      const struct vballoon_reclaim_ops *reclaim)
{
	static const struct vballoon_device_ops ops = { .notify = no_interrupt };
	const struct vballoon_device_config config = {
		.page_shift = BENCH_PAGE_SHIFT,
		.features = FEATURES,
		.ops = &ops,
		.reclaim = reclaim,
	};
	const struct vballoon_region memory = {
		.size = vballoon_bytes(region->bytes),
		.host = region->host,
		.host_page_shift = region->host_page_shift,
		.reclaimable = VBALLOON_RECLAIMABLE,
		.backing = region->backing,
	};
	struct vballoon_region window = {
		.gpa = vballoon_gpa(WINDOW_AT),
		.size = vballoon_bytes(WINDOW_BYTES),
		.host_page_shift = BENCH_PAGE_SHIFT,
		.reclaimable = VBALLOON_KEEP_ASKED,
	};

	memset(guest, 0, sizeof(*guest));
	guest->run = vballoon_device_run;
	guest_memory_init(&guest->window);
	guest_memory_add(&guest->window, WINDOW_AT, WINDOW_BYTES);
	window.host = guest_memory_at(&guest->window, WINDOW_AT, WINDOW_BYTES);
	guest->storage = malloc(vballoon_device_bytes());
	expect(guest->storage && !vballoon_device_init(guest->storage, &config, &guest->device),
	       "a device");
	add_region(guest, &window, &guest->window_map);
	add_region(guest, &memory, &guest->page_map);
	expect(!vballoon_device_set_features(guest->device, FEATURES), "features");
	start_queues(guest);
	say_hello(guest);
}

void bench_guest_end(struct bench_guest *guest)
{
	guest_memory_destroy(&guest->window);
	free(guest->page_map);
	free(guest->window_map);
	free(guest->storage);
}

void bench_guest_add(struct bench_guest *guest, const uint64_t *entries, size_t count)
{
	const struct virtio_memory_balloon_msg header = {
		.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD),
	};
	uint64_t slot = next_slot(guest);
	unsigned char *message = slot_at(guest, slot);

	memcpy(message, &header, sizeof(header));
	for (size_t i = 0; i < count; i++) {
		__le64 entry = vballoon_le64(entries[i]);

		memcpy(message + sizeof(header) + i * sizeof(entry), &entry, sizeof(entry));
	}
	post(guest, slot, sizeof(header) + count * sizeof(uint64_t), count);
}

void bench_guest_withdraw(struct bench_guest *guest, uint64_t most)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW) },
		.most = vballoon_le64(most),
	};
	uint64_t slot = next_slot(guest);

	memcpy(slot_at(guest, slot), &message, sizeof(message));
	post(guest, slot, sizeof(message), BENCH_ENTRIES_MAX * sizeof(uint64_t));
}

/* An answer: the verdicts of an ADD, or the entries of a WITHDRAW. */
static void read_answer(struct bench_guest *guest, uint64_t at, uint32_t written)
{
	uint64_t slot = SLOTS_AT + (at - SLOTS_AT) / SLOT_BYTES * SLOT_BYTES;
	const struct virtio_memory_balloon_msg *message = slot_at(guest, slot);
	const unsigned char *answer = guest_memory_at(&guest->window, at, written ? written : 1);

	if (vballoon_le32(message->type) == VIRTIO_MEMORY_BALLOON_MSG_ADD) {
		for (uint32_t i = 0; i < written; i++)
			guest->refused += answer[i] != VIRTIO_MEMORY_BALLOON_ACCEPTED;
		return;
	}
	for (uint32_t i = 0; i < written / sizeof(uint64_t); i++) {
		__le64 entry;

		memcpy(&entry, answer + i * sizeof(entry), sizeof(entry));
		guest->withdrawn +=
			(vballoon_le64(entry) & ((UINT64_C(1) << BENCH_PAGE_SHIFT) - 1)) + 1;
	}
}

void bench_guest_finish(struct bench_guest *guest)
{
	uint64_t token;
	uint32_t written;

	while (guest->run(guest->device))
		;
	for (; guest->posted; guest->posted--) {
		expect(vballoon_driver_ring_collect(&guest->rings[TODEV].driver, &token,
						    &written) == VBALLOON_COLLECT_ONE,
		       "an answer to every message");
		read_answer(guest, token, written);
	}
	expect(!guest->refused, "every entry accepted");
}

uint64_t bench_guest_drop_calls(const struct bench_guest *guest)
{
	struct vballoon_status status;

	vballoon_device_status(guest->device, &status);
	return status.drop_calls;
}

void bench_guest_add_range(struct bench_guest *guest, uint64_t gpa, uint64_t bytes,
			   uint64_t run_pages)
{
	const uint64_t most = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX / run_pages;
	uint64_t entries[BENCH_ENTRIES_MAX];
	uint64_t end = gpa + bytes;
	size_t count;

	while (gpa < end) {
		for (count = 0; gpa < end && count < most && count < BENCH_ENTRIES_MAX; count++) {
			entries[count] = gpa | (run_pages - 1);
			gpa += run_pages << BENCH_PAGE_SHIFT;
		}
		bench_guest_add(guest, entries, count);
		bench_guest_finish(guest);
	}
}
