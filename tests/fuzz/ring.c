/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's side of a virtqueue, split or packed as RING_PACKED says at build time, in a
 * guest whose memory changes as it likes, also between two reads.
 */
#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "fuzz.h"
#include "guest_memory.h"
#include "ring/device_ring.h"

#define MEMORY_BYTES 0x8000U
#define DESC_AT 0x1000U
#define AVAIL_AT 0x2000U
#define USED_AT 0x3000U
#define STEPS_MAX 256
#define DESC_BYTES 16U

uint64_t fuzz_reached;
const char fuzz_core[] = "chains used";

struct fuzz_ring {
	struct fuzz_input input;
	struct vballoon_device_ring ring;
	struct vballoon_chain chain;
	bool taken;
	unsigned int rewrites; /* the guest writes before so many reads */
	int read_error; /* what reading answers */
};

static struct guest_memory guest;

static void rewrite(struct fuzz_ring *f)
{
	uint16_t at = fuzz_u16(&f->input) % MEMORY_BYTES;
	uint8_t len = fuzz_u8(&f->input) % 32;

	if (len > MEMORY_BYTES - at)
		len = (uint8_t)(MEMORY_BYTES - at);
	fuzz_bytes(&f->input, (uint8_t *)guest_memory_at(&guest, 0, MEMORY_BYTES) + at, len);
}

static int before_read(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct fuzz_ring *f = context;

	FUZZ_HOLDS(len <= MEMORY_BYTES && gpa.value <= MEMORY_BYTES - len);
	if (f->rewrites) {
		f->rewrites--;
		rewrite(f);
	}
	return f->read_error;
}

static const struct vballoon_memory_hooks hooks = { .before_read = before_read };

static void start(struct fuzz_ring *f)
{
	uint8_t bits = fuzz_u8(&f->input), size = fuzz_u8(&f->input);
	const struct vballoon_ring_features features = {
		.packed = RING_PACKED,
		.indirect = bits & 1,
		.event_idx = bits & 2,
		.in_order = bits & 4,
	};
	const struct vballoon_queue queue = {
		.size = RING_PACKED ? size % 32U : 1U << size % 6,
		.desc = vballoon_gpa(bits & 8 ? fuzz_u64(&f->input) : DESC_AT),
		.avail = vballoon_gpa(bits & 16 ? fuzz_u64(&f->input) : AVAIL_AT),
		.used = vballoon_gpa(bits & 32 ? fuzz_u64(&f->input) : USED_AT),
		.next = bits & 64     ? fuzz_u32(&f->input)
			: RING_PACKED ? VBALLOON_QUEUE_FIRST_PACKED
				      : 0,
	};

	f->taken = false;
	vballoon_device_ring_start(&f->ring, &guest.memory, &queue, &features);
}

static void put_desc(struct fuzz_ring *f)
{
	const uint32_t at = DESC_AT + fuzz_u8(&f->input) % 64 * DESC_BYTES;
	const uint16_t addr = fuzz_u16(&f->input), len = fuzz_u16(&f->input);
	const uint16_t first = fuzz_u16(&f->input), second = fuzz_u16(&f->input);
	uint8_t *desc = guest_memory_at(&guest, at, DESC_BYTES);

	memset(desc, 0, DESC_BYTES);
	memcpy(desc, &addr, sizeof(addr));
	memcpy(desc + 8, &len, sizeof(len));
	memcpy(desc + 12, &first, sizeof(first)); /* flags, or the packed buffer's id */
	memcpy(desc + 14, &second, sizeof(second)); /* next, or flags */
}

/* A head of the split ring, or anything where the packed one's events lie. */
static void put_avail(struct fuzz_ring *f)
{
	uint8_t *avail = guest_memory_at(&guest, AVAIL_AT, 0x1000);
	const uint8_t head = fuzz_u8(&f->input);
	uint16_t idx;

	memcpy(&idx, avail + 2, sizeof(idx));
	if (f->ring.queue.size)
		avail[4 + 2 * (idx % f->ring.queue.size)] = head;
	idx++;
	memcpy(avail + 2, &idx, sizeof(idx));
}

static void check_chain(const struct fuzz_ring *f)
{
	const struct vballoon_chain *chain = &f->chain;
	uint64_t readable = 0, all = 0;

	FUZZ_HOLDS(chain->count > 0 && chain->count <= f->ring.queue.size);
	FUZZ_HOLDS(chain->readable_count <= chain->count);
	FUZZ_HOLDS(chain->places > 0 && chain->places <= f->ring.queue.size);
	FUZZ_HOLDS(RING_PACKED || chain->head < f->ring.queue.size);
	for (unsigned int i = 0; i < chain->count; i++) {
		const struct vballoon_segment *segment = &chain->segments[i];

		FUZZ_HOLDS(vballoon_memory_covers(&guest.memory, segment->gpa,
						  vballoon_bytes(segment->len)));
		all += segment->len;
		if (i < chain->readable_count)
			readable += segment->len;
	}
	FUZZ_HOLDS(chain->readable_len == readable && chain->writable_len == all - readable);
}

static void take(struct fuzz_ring *f)
{
	enum vballoon_violation violation = VBALLOON_OK;
	int outcome = vballoon_device_ring_next(&f->ring, &f->chain, &violation);

	FUZZ_HOLDS((outcome == VBALLOON_RING_BROKEN) == (violation != VBALLOON_OK));
	f->taken = outcome == VBALLOON_RING_CHAIN;
	if (f->taken)
		check_chain(f);
}

static void read_all(struct fuzz_ring *f)
{
	uint64_t left = f->chain.readable_len - f->chain.read_done;
	static uint8_t bytes[MEMORY_BYTES];

	if (!f->taken || left > sizeof(bytes))
		return;
	FUZZ_HOLDS(vballoon_chain_read(&guest.memory, &f->chain, bytes, (size_t)left) ==
		   (left ? f->read_error : 0));
	if (!f->read_error)
		FUZZ_HOLDS(vballoon_chain_read(&guest.memory, &f->chain, bytes, 1) == -EINVAL);
}

static void answer(struct fuzz_ring *f)
{
	uint8_t bytes[64];
	size_t len = fuzz_bytes(&f->input, bytes, fuzz_u8(&f->input) % sizeof(bytes));
	uint64_t room = f->chain.writable_len - f->chain.written;

	if (f->taken)
		FUZZ_HOLDS(vballoon_chain_write(&guest.memory, &f->chain, bytes, len) ==
			   (len > room ? -EINVAL : 0));
}

static void use(struct fuzz_ring *f)
{
	if (f->taken && !vballoon_device_ring_use(&f->ring, &f->chain))
		fuzz_reached++;
	f->taken = false;
}

static void put_back(struct fuzz_ring *f)
{
	if (f->taken)
		vballoon_device_ring_put_back(&f->ring);
	f->taken = false;
}

static void refuse(struct fuzz_ring *f)
{
	if (f->taken)
		vballoon_device_ring_refuse(&f->ring, &f->chain, VBALLOON_MESSAGE_TYPE);
	f->taken = false;
}

static void skip(struct fuzz_ring *f)
{
	if (!f->taken)
		vballoon_device_ring_skip(&f->ring);
}

static void notify(struct fuzz_ring *f)
{
	vballoon_device_ring_should_notify(&f->ring);
}

/* Stop, and go on where it was. */
static void pause(struct fuzz_ring *f)
{
	struct vballoon_queue queue = f->ring.queue;
	const struct vballoon_ring_features features = f->ring.features;

	put_back(f);
	queue.next = vballoon_device_ring_base(&f->ring);
	vballoon_device_ring_start(&f->ring, &guest.memory, &queue, &features);
}

static void trouble(struct fuzz_ring *f)
{
	uint8_t bits = fuzz_u8(&f->input);

	f->rewrites = bits >> 4;
	f->read_error = bits & 1 ? -EFAULT : 0;
}

static void (*const steps[])(struct fuzz_ring *f) = {
	rewrite,  put_desc, put_avail, take,   read_all, answer,  use,
	put_back, refuse,   skip,      notify, pause,	 trouble, start,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct fuzz_ring fuzz_ring;
	struct fuzz_ring *f = &fuzz_ring;

	if (!guest.memory.count) {
		guest_memory_init(&guest);
		guest_memory_add(&guest, 0, MEMORY_BYTES);
		guest.memory.hooks = &hooks;
		guest.memory.hooks_context = f;
	}
	memset(guest_memory_at(&guest, 0, MEMORY_BYTES), 0, MEMORY_BYTES);
	memset(&f->ring, 0, sizeof(f->ring));
	f->input = (struct fuzz_input){ bytes, len };
	f->taken = false;
	f->rewrites = 0;
	f->read_error = 0;
	start(f);
	for (unsigned int i = 0; i < STEPS_MAX && f->input.len && f->ring.running; i++)
		steps[fuzz_u8(&f->input) % (sizeof(steps) / sizeof(steps[0]))](f);
	return 0;
}
