/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The traditional balloon, told whatever a driver of it can say, with a host that fails. What
 * is dropped was named to inflateq since the driver began, and what is discarded lies in
 * stretches that were posted since.
 */
#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "fuzz.h"
#include "places.h"
#include "trad_bed.h"

#define STEPS_MAX 200
#define WORDS_MAX 40U

uint64_t fuzz_reached;
const char fuzz_core[] = "pages dropped";

struct fuzz_traditional {
	struct fuzz_input input;
	struct bed bed;
	bool given[PAGES], free[PAGES]; /* named so, since the driver began */
	unsigned int in_flight[VBALLOON_QUEUES_MAX];
};

static void check_calls(struct fuzz_traditional *f)
{
	/* Then the host may not miss what is in the balloon. */
	const bool silent = bed_status(&f->bed).features & TRAD(SILENT_DEFLATE);

	for (unsigned int i = 0; i < f->bed.call_count; i++) {
		const struct bed_call *call = &f->bed.calls[i];

		for (uint64_t at = call->gpa; at < call->gpa + call->len; at += PAGE) {
			unsigned int page = page_of(at);

			FUZZ_HOLDS(page < PAGES);
			FUZZ_HOLDS((call->discard && f->free[page]) ||
				   (f->given[page] && (call->restore || call->discard == silent)));
			fuzz_reached += !call->restore && !call->failed;
		}
	}
	f->bed.call_count = 0;
}

static void collect(struct fuzz_traditional *f)
{
	for (unsigned int queue = 0; queue < VBALLOON_QUEUES_MAX; queue++) {
		while (f->in_flight[queue] && trad_answered(&f->bed, queue))
			f->in_flight[queue]--;
	}
}

static void run_once(struct fuzz_traditional *f)
{
	vballoon_device_run(f->bed.device);
	check_calls(f);
	collect(f);
}

static void run(struct fuzz_traditional *f)
{
	for (unsigned int n = 0; vballoon_device_run(f->bed.device); n++) {
		FUZZ_HOLDS(n < 100000);
		check_calls(f);
	}
	check_calls(f);
	collect(f);
}

/* Mostly a page that there is, and its neighbours. */
static uint32_t take_pfn(struct fuzz_traditional *f, uint32_t before)
{
	const uint8_t kind = fuzz_u8(&f->input);

	switch (kind % 4) {
	case 0:
		return before - 1;
	case 1:
		return before + 1;
	case 2:
		return (uint32_t)(SMALL_AT / PAGE) + fuzz_u8(&f->input) % SMALL_PAGES;
	default:
		return kind & 4 ? fuzz_u32(&f->input)
				: (uint32_t)(LARGE_AT / PAGE) + fuzz_u16(&f->input) % LARGE_PAGES;
	}
}

/* To any queue; @tail bytes more than whole words. */
static void post(struct fuzz_traditional *f, unsigned int queue, const uint32_t *words,
		 unsigned int count, unsigned int tail)
{
	__le32 wire[WORDS_MAX + 1] = { 0 };
	unsigned int page;

	if (f->in_flight[queue] == TRAD_MESSAGES_MAX || !(count + tail))
		return;
	for (unsigned int i = 0; i < count; i++) {
		wire[i] = vballoon_le32(words[i]);
		page = page_of((uint64_t)words[i] * PAGE);
		if (queue == INFLATE && page < PAGES)
			f->given[page] = true;
	}
	trad_post_bytes(&f->bed, queue, wire, count * sizeof(wire[0]) + tail);
	f->in_flight[queue]++;
}

static void say_pages(struct fuzz_traditional *f)
{
	const uint8_t shape = fuzz_u8(&f->input);
	unsigned int count = fuzz_u8(&f->input) % (WORDS_MAX + 1);
	uint32_t words[WORDS_MAX], pfn = (uint32_t)(SMALL_AT / PAGE);

	for (unsigned int i = 0; i < count; i++)
		words[i] = pfn = take_pfn(f, pfn);
	post(f, shape & 1 ? DEFLATE : INFLATE, words, count, shape > 250 ? shape % 4 : 0);
}

static void say_anything(struct fuzz_traditional *f)
{
	const uint8_t shape = fuzz_u8(&f->input);
	uint32_t words[WORDS_MAX];
	unsigned int count = fuzz_u8(&f->input) % 8;

	for (unsigned int i = 0; i < count; i++)
		words[i] = fuzz_u8(&f->input) & 1 ? fuzz_u32(&f->input) : fuzz_u8(&f->input);
	post(f, shape % VBALLOON_QUEUES_MAX, words, count, shape > 200 ? shape % 4 : 0);
}

/* A whole huge page, so that it is dropped. */
static void give_much(struct fuzz_traditional *f)
{
	uint32_t first = (uint32_t)(LARGE_AT / PAGE) + fuzz_u8(&f->input) % 4 * 512;
	uint32_t words[32];

	for (uint32_t i = 0; i < 512; i += 32) {
		for (uint32_t j = 0; j < 32; j++)
			words[j] = first + 511 - i - j;
		post(f, INFLATE, words, 32, 0);
		run_once(f);
	}
}

static void post_free(struct fuzz_traditional *f)
{
	const unsigned int queue = fuzz_u8(&f->input) % VBALLOON_QUEUES_MAX;
	const uint64_t base = fuzz_u8(&f->input) & 1 ? LARGE_AT : SMALL_AT;
	const uint64_t bytes = (base == LARGE_AT ? LARGE_PAGES : SMALL_PAGES) * PAGE;
	uint64_t stretch[1][2] = { { fuzz_u32(&f->input) % bytes, 1 + fuzz_u32(&f->input) } };

	if (f->in_flight[queue] == TRAD_MESSAGES_MAX)
		return;
	stretch[0][1] %= bytes - stretch[0][0] + PAGE; /* at times too long */
	stretch[0][1] += !stretch[0][1];
	stretch[0][0] += base;
	for (uint64_t at = stretch[0][0]; at < stretch[0][0] + stretch[0][1]; at++) {
		if (page_of(at) < PAGES)
			f->free[page_of(at)] = true;
		at |= PAGE - 1;
	}
	trad_post_free(&f->bed, queue, stretch, 1);
	f->in_flight[queue]++;
}

static void begin(struct fuzz_traditional *f)
{
	const uint64_t low = fuzz_u8(&f->input), high = fuzz_u8(&f->input);
	const uint64_t wanted = low | (high & 2 ? TRAD(SILENT_DEFLATE) : 0);
	const uint64_t features =
		BED_VERSION_1 | (f->bed.config.features & wanted) | (high & 1) << 34;

	trad_stop(&f->bed);
	check_calls(f);
	memset(f->given, 0, sizeof(f->given));
	memset(f->free, 0, sizeof(f->free));
	memset(f->in_flight, 0, sizeof(f->in_flight));
	FUZZ_HOLDS(!vballoon_device_set_features(f->bed.device, features));
	trad_start(&f->bed, TRAD_BOTH | fuzz_u8(&f->input) % 32);
	check_calls(f);
}

static void pause_queues(struct fuzz_traditional *f)
{
	bool running[VBALLOON_QUEUES_MAX];

	memcpy(running, bed_status(&f->bed).queue_running, sizeof(running));
	trad_stop(&f->bed);
	for (unsigned int queue = 0; queue < VBALLOON_QUEUES_MAX; queue++) {
		if (running[queue])
			trad_go_on(&f->bed, TRAD_QUEUE(queue));
	}
}

static void restart(struct fuzz_traditional *f)
{
	vballoon_device_restart(f->bed.device);
}

static void write_config(struct fuzz_traditional *f)
{
	uint8_t bytes[32] = { 0 };
	uint32_t offset = fuzz_u8(&f->input) & 1 ? fuzz_u32(&f->input) : fuzz_u8(&f->input) % 16;
	uint32_t len = fuzz_u8(&f->input) % sizeof(bytes);

	fuzz_bytes(&f->input, bytes, len);
	vballoon_device_config_write(f->bed.device, offset, bytes, len);
	vballoon_device_config_space(f->bed.device, offset, bytes, len);
}

static void ask(struct fuzz_traditional *f)
{
	uint16_t word = fuzz_u16(&f->input);
	uint64_t id;

	switch (word % 5) {
	case 0:
		vballoon_device_set_target(f->bed.device, word);
		break;
	case 1:
		vballoon_device_request_stats(f->bed.device);
		break;
	case 2:
		vballoon_device_inhibit(f->bed.device, word & 0x100);
		break;
	case 3:
		vballoon_device_set_stats_period(f->bed.device, word);
		vballoon_device_set_time(f->bed.device, word);
		break;
	default:
		(void)vballoon_device_request_report(f->bed.device, &id);
		break;
	}
}

static void trouble(struct fuzz_traditional *f)
{
	const uint8_t bits = fuzz_u8(&f->input);

	f->bed.drop_error = bits & 1 ? -ENOSYS : 0;
	f->bed.discard_error = bits & 2 ? -ENOSYS : 0;
	f->bed.restore_bytes_left = bits & 4 ? (uint64_t)bits << 12 : UINT64_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static void (*const steps[])(struct fuzz_traditional *) = {
		say_pages, say_pages,	 say_anything, give_much,    post_free, run_once, run,
		begin,	   pause_queues, restart,      write_config, ask,	trouble,
	};
	static struct fuzz_traditional f;

	memset(&f, 0, sizeof(f));
	f.input = (struct fuzz_input){ bytes, len };
	/* One of the two opposites is offered. */
	trad_bed_init(&f.bed, vballoon_device_features_of(VIRTIO_BALLOON_ID) &
				      ~(fuzz_u8(&f.input) & 1 ? TRAD(MUST_TELL_HOST)
							      : TRAD(SILENT_DEFLATE)));
	places_add(&f.bed);
	begin(&f);
	for (unsigned int i = 0; i < STEPS_MAX && f.input.len; i++)
		steps[fuzz_u8(&f.input) % (sizeof(steps) / sizeof(steps[0]))](&f);
	run(&f);
	bed_destroy(&f.bed);
	return 0;
}
