/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable driver, against a device that says what it likes and writes to what they share
 * whenever it likes. Pages come back once each; the guest's account sees to that.
 */
#include <string.h>

#include "base/le.h"
#include "fuzz.h"
#include "port_guest.h"
#include "ring/device_ring.h"

#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV
#define STEPS_MAX 200
#define ANSWER_MAX 600U

uint64_t fuzz_reached;
const char fuzz_core[] = "pages in the balloon, after each step";

struct fuzz_guest {
	struct fuzz_input input;
	struct port_guest guest;
	struct vballoon_device_ring rings[VIRTIO_MEMORY_BALLOON_VQ_COUNT];
	struct vballoon_chain chain;
};

static void side_reset(void *side)
{
	struct fuzz_guest *f = side;

	memset(f->rings, 0, sizeof(f->rings));
}

static int side_start(void *side, uint64_t features, const struct vballoon_queue queues[2])
{
	const struct vballoon_ring_features ring_features = vballoon_ring_features(features);
	struct fuzz_guest *f = side;

	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++)
		FUZZ_HOLDS(!vballoon_device_ring_start(&f->rings[i], &f->guest.memory.memory,
						       &queues[i], &ring_features));
	return 0;
}

static void side_notify(void *side, unsigned int queue)
{
	(void)side;
	FUZZ_HOLDS(queue < VIRTIO_MEMORY_BALLOON_VQ_COUNT);
}

static const struct port_side side_ops = { side_reset, side_start, side_notify };

/* Take the next buffer of a queue: false when there is none. */
static bool take(struct fuzz_guest *f, unsigned int queue)
{
	enum vballoon_violation violation;

	return f->rings[queue].running &&
	       vballoon_device_ring_next(&f->rings[queue], &f->chain, &violation) ==
		       VBALLOON_RING_CHAIN;
}

static void give(struct fuzz_guest *f, unsigned int queue, const void *bytes, size_t len)
{
	if (len > f->chain.writable_len)
		len = (size_t)f->chain.writable_len;
	vballoon_chain_write(&f->guest.memory.memory, &f->chain, bytes, len);
	vballoon_device_ring_use(&f->rings[queue], &f->chain);
}

/* Accept, or hand nothing back: what lets the driver go on. */
static void accept(struct fuzz_guest *f)
{
	struct virtio_memory_balloon_msg header = { 0 };
	uint8_t answer[ANSWER_MAX] = { 0 };

	if (!take(f, TODEV))
		return;
	vballoon_chain_read(&f->guest.memory.memory, &f->chain, &header, sizeof(header));
	switch (vballoon_le32(header.type)) {
	case VIRTIO_MEMORY_BALLOON_MSG_HELLO:
		give(f, TODEV, answer, 8);
		break;
	case VIRTIO_MEMORY_BALLOON_MSG_ADD:
	case VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE:
	case VIRTIO_MEMORY_BALLOON_MSG_REPORT:
		memset(answer, VIRTIO_MEMORY_BALLOON_ACCEPTED, sizeof(answer));
		give(f, TODEV, answer, sizeof(answer));
		break;
	default:
		give(f, TODEV, answer, 0);
		break;
	}
}

/* Anything; entries are mostly addresses of the guest's. */
static void answer(struct fuzz_guest *f)
{
	const uint8_t shape = fuzz_u8(&f->input);
	uint8_t bytes[ANSWER_MAX];
	size_t len = 0;

	if (shape & 1) {
		while (len < (shape >> 1) * sizeof(__le64) && len + 8 <= sizeof(bytes)) {
			const uint16_t page = fuzz_u16(&f->input);
			const __le64 entry =
				vballoon_le64((page & 0x8000 ? PORT_HIGH : PORT_LOW) +
					      (page & 0x3ff) * 4096U + (page >> 10 & 0x1f));

			memcpy(bytes + len, &entry, sizeof(entry));
			len += sizeof(entry);
		}
	} else {
		len = fuzz_bytes(&f->input, bytes, shape >> 1);
	}
	if (take(f, TODEV))
		give(f, TODEV, bytes, len);
}

static void request(struct fuzz_guest *f)
{
	const uint8_t shape = fuzz_u8(&f->input);
	const struct virtio_memory_balloon_req request = {
		.type = vballoon_le32(shape % 8),
		.flags = vballoon_le32(shape >> 4),
		.value = vballoon_le64(shape & 8 ? fuzz_u64(&f->input)
						 : fuzz_u16(&f->input) % PORT_UNITS_MAX),
	};

	if (take(f, FROMDEV))
		give(f, FROMDEV, &request, shape >> 4 == 15 ? shape : sizeof(request));
}

static void scribble(struct fuzz_guest *f)
{
	const uint32_t at = fuzz_u16(&f->input) % VBALLOON_GUEST_SHARED_BYTES;
	uint8_t bytes[32];
	size_t len = fuzz_bytes(&f->input, bytes, 1 + fuzz_u8(&f->input) % sizeof(bytes));

	if (len > VBALLOON_GUEST_SHARED_BYTES - at)
		len = VBALLOON_GUEST_SHARED_BYTES - at;
	memcpy((uint8_t *)f->guest.config.shared + at, bytes, len);
}

static void run(struct fuzz_guest *f)
{
	port_guest_run(&f->guest);
}

static void pass(struct fuzz_guest *f)
{
	f->guest.now_ms += fuzz_u8(&f->input) * UINT64_C(100);
	port_guest_run(&f->guest);
}

static void spare(struct fuzz_guest *f)
{
	f->guest.block = 1 + fuzz_u8(&f->input);
}

static void pressure(struct fuzz_guest *f)
{
	vballoon_guest_pressure(f->guest.driver, fuzz_u8(&f->input), f->guest.now_ms);
}

static void out_of_memory(struct fuzz_guest *f)
{
	if (vballoon_guest_oom(f->guest.driver, fuzz_u8(&f->input), f->guest.now_ms))
		vballoon_guest_oom_waits(f->guest.driver, f->guest.now_ms);
}

static void restart(struct fuzz_guest *f)
{
	switch (fuzz_u8(&f->input) % 3) {
	case 0:
		vballoon_guest_restart(f->guest.driver);
		break;
	case 1:
		vballoon_guest_stop(f->guest.driver);
		break;
	default:
		vballoon_guest_start(f->guest.driver);
		break;
	}
}

static void report(struct fuzz_guest *f)
{
	vballoon_guest_report(f->guest.driver);
}

/* Whatever of the two is the guest's and is in the balloon, as far as the guest knows. */
static void exchange(struct fuzz_guest *f)
{
	const unsigned int units = port_guest_units(&f->guest);
	const uint64_t from = port_guest_unit_gpa(&f->guest, fuzz_u16(&f->input) % units);
	const uint64_t to = port_guest_unit_gpa(&f->guest, fuzz_u16(&f->input) % units);

	if (port_guest_is_out(&f->guest, from) && !port_guest_is_out(&f->guest, to) &&
	    !port_guest_is_reported(&f->guest, to))
		port_guest_move(&f->guest, from, to, 1);
}

static void (*const steps[])(struct fuzz_guest *f) = {
	accept, answer,	  request,	 scribble, run,	   pass,
	spare,	pressure, out_of_memory, restart,  report, exchange,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct fuzz_guest fuzz_guest;
	struct fuzz_guest *f = &fuzz_guest;
	uint64_t features;

	memset(f->rings, 0, sizeof(f->rings));
	f->input = (struct fuzz_input){ bytes, len };
	features = fuzz_u16(&f->input);
	port_guest_prepare(&f->guest, (features & 0x3f) | (features >> 8 & 0xff) << 28, 12);
	f->guest.device_lies = true;
	port_guest_init(&f->guest, &side_ops, f);
	port_guest_run(&f->guest);
	for (unsigned int i = 0; i < STEPS_MAX && f->input.len; i++) {
		steps[fuzz_u8(&f->input) % (sizeof(steps) / sizeof(steps[0]))](f);
		fuzz_reached += port_guest_status(&f->guest).held_pages;
	}
	port_guest_check(&f->guest);
	vballoon_guest_stop(f->guest.driver);
	port_guest_run(&f->guest);
	FUZZ_HOLDS(!f->guest.out_count);
	port_guest_destroy(&f->guest);
	return 0;
}
