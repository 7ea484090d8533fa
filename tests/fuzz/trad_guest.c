/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable driver of the traditional balloon, against a device that answers when it likes,
 * or what was never asked, and writes to what they share. Pages come back once each; the guest's
 * account sees to that.
 */
#include <string.h>

#include "fuzz.h"
#include "trad_liar.h"

#define STEPS_MAX 200

uint64_t fuzz_reached;
const char fuzz_core[] = "pages in the balloon, after each step";

struct fuzz_trad_guest {
	struct fuzz_input input;
	struct trad_liar liar;
};

static unsigned int take_queue(struct fuzz_trad_guest *f)
{
	return fuzz_u8(&f->input) % TRAD_QUEUES;
}

static void run(struct fuzz_trad_guest *f)
{
	trad_guest_run(&f->liar.guest);
}

/* Answer what there is on a queue: what lets the driver go on. */
static void answer(struct fuzz_trad_guest *f)
{
	const unsigned int index = take_queue(f);
	struct vballoon_device_ring *ring = &f->liar.rings[index];
	enum vballoon_violation violation;

	while (ring->running && vballoon_device_ring_next(ring, &f->liar.chains[index],
							  &violation) == VBALLOON_RING_CHAIN)
		vballoon_device_ring_use(ring, &f->liar.chains[index]);
	run(f);
}

/* The answer to anything, of any length. */
static void answer_anything(struct fuzz_trad_guest *f)
{
	const unsigned int index = take_queue(f);
	struct vballoon_chain chain = {
		.head = fuzz_u8(&f->input),
		.written = fuzz_u8(&f->input),
		.places = 1,
	};

	if (f->liar.rings[index].running)
		vballoon_device_ring_use(&f->liar.rings[index], &chain);
}

static void want(struct fuzz_trad_guest *f)
{
	const uint32_t pages = fuzz_u16(&f->input);

	trad_guest_want(&f->liar.guest,
			pages & 0x8000 ? fuzz_u32(&f->input) : pages % PORT_UNITS_MAX);
	run(f);
}

static void scribble(struct fuzz_trad_guest *f)
{
	const uint32_t at = fuzz_u16(&f->input) % VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES;
	uint8_t bytes[32];
	size_t len = fuzz_bytes(&f->input, bytes, 1 + fuzz_u8(&f->input) % sizeof(bytes));

	if (len > VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES - at)
		len = VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES - at;
	memcpy((uint8_t *)f->liar.guest.config.shared + at, bytes, len);
}

static void pass(struct fuzz_trad_guest *f)
{
	f->liar.guest.port.now_ms += fuzz_u8(&f->input) * UINT64_C(100);
	run(f);
}

static void spare(struct fuzz_trad_guest *f)
{
	f->liar.guest.port.block = 1 + fuzz_u8(&f->input);
}

static void pressure(struct fuzz_trad_guest *f)
{
	vballoon_traditional_guest_pressure(f->liar.guest.driver, fuzz_u8(&f->input),
					    f->liar.guest.port.now_ms);
}

static void out_of_memory(struct fuzz_trad_guest *f)
{
	const uint64_t now_ms = f->liar.guest.port.now_ms;

	if (vballoon_traditional_guest_oom(f->liar.guest.driver, fuzz_u8(&f->input), now_ms))
		vballoon_traditional_guest_oom_waits(f->liar.guest.driver, now_ms);
}

static void take(struct fuzz_trad_guest *f)
{
	trad_guest_take(&f->liar.guest, fuzz_u8(&f->input));
}

static void report(struct fuzz_trad_guest *f)
{
	vballoon_traditional_guest_report(f->liar.guest.driver);
}

static void restart(struct fuzz_trad_guest *f)
{
	static void (*const ways[])(struct vballoon_traditional_guest *) = {
		vballoon_traditional_guest_restart,
		vballoon_traditional_guest_stop,
		vballoon_traditional_guest_start,
	};

	ways[fuzz_u8(&f->input) % (sizeof(ways) / sizeof(ways[0]))](f->liar.guest.driver);
}

static void (*const steps[])(struct fuzz_trad_guest *f) = {
	answer, answer_anything, want, scribble, run,	  pass,
	spare,	pressure,	 take, report,	 restart, out_of_memory,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct fuzz_trad_guest fuzz_trad_guest;
	struct fuzz_trad_guest *f = &fuzz_trad_guest;
	struct trad_guest *guest = &f->liar.guest;
	uint64_t features;
	uint8_t shape;

	f->input = (struct fuzz_input){ bytes, len };
	features = fuzz_u16(&f->input);
	shape = fuzz_u8(&f->input);
	trad_liar_prepare(&f->liar,
			  (features & 0x3f) | (shape & 1 ? TRAD_BIT(SILENT_DEFLATE) : 0) |
				  (features >> 8) << 28,
			  shape & 2 ? 14 : 12);
	guest->config.fixed_queues = shape & 4;
	for (unsigned int i = 0; i < TRAD_QUEUES; i++)
		guest->queue_sizes[i] = 1U + (shape >> 3) * 4U;
	trad_liar_start(&f->liar);
	for (unsigned int i = 0; i < STEPS_MAX && f->input.len; i++) {
		steps[fuzz_u8(&f->input) % (sizeof(steps) / sizeof(steps[0]))](f);
		fuzz_reached += trad_guest_status(guest).held_pages;
	}
	port_guest_check(&guest->port);
	vballoon_traditional_guest_stop(guest->driver);
	run(f);
	FUZZ_HOLDS(!guest->port.out_count);
	trad_liar_destroy(&f->liar);
	return 0;
}
