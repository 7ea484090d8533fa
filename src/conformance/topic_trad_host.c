/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon on a host whose pages are larger than the balloon's: 2 MiB. */
#include "conformance/topics.h"
#include "conformance/trad.h"

#define REPORT VIRTIO_BALLOON_VQ_REPORTING
#define PAGE_BYTES UINT64_C(4096)
#define HOST_SHIFT 21U
#define HOST_BYTES (UINT64_C(1) << HOST_SHIFT)
#define PAGES 512U /* of the balloon, in one of the host's */
#define THEIRS 0x39
#define OURS 0xc6

static uint64_t host_page(const struct vballoon_trial *trial, unsigned int index)
{
	return trial->layout.balloon + index * HOST_BYTES;
}

static void is_theirs(struct vballoon_trial *trial, uint64_t gpa, uint64_t bytes)
{
	vballoon_trad_expect(trial, gpa, bytes, THEIRS, "a part of a host page that was not given");
}

/* End the trial as skipped unless a whole host page goes to the host. Afterwards the host holds it
 * again. */
static void needs_drop(struct vballoon_trial *trial)
{
	uint64_t gpa = host_page(trial, 0);
	uint64_t before = vballoon_front_end_memory_held(&trial->front_end);

	vballoon_trad_give(trial, gpa, PAGES);
	vballoon_trad_lapse(trial);
	if (!vballoon_trad_shrinks(trial, before - HOST_BYTES, trial->setting->grace_ms))
		vballoon_trial_end(trial, VBALLOON_SKIP,
				   "what is given does not go to the host, or not at once");
	vballoon_trad_take(trial, gpa, PAGES);
	vballoon_trad_fill(trial, gpa, HOST_BYTES, OURS);
}

/* Pages of which no host page consists. */
struct part {
	unsigned int first, count;
	unsigned int times;
};

static void part_stays(struct vballoon_trial *trial, const void *how)
{
	const struct part *part = how;
	uint64_t begin = host_page(trial, 0), end = host_page(trial, 3);
	uint64_t gpa = begin + (uint64_t)part->first * PAGE_BYTES;
	uint64_t bytes = (uint64_t)part->count * PAGE_BYTES;

	vballoon_trad_fill(trial, begin, end - begin, THEIRS);
	for (unsigned int i = 0; i < part->times; i++)
		vballoon_trad_give(trial, gpa, part->count);
	vballoon_trad_lapse(trial);
	is_theirs(trial, begin, gpa - begin);
	is_theirs(trial, gpa + bytes, end - gpa - bytes);
	vballoon_trad_take(trial, gpa, part->count);
	vballoon_trad_fill(trial, gpa, bytes, OURS);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, gpa, bytes, OURS, "a page that was taken back");
}

/* Every @step-th page in a message, and the ones beside them in the next, make a whole. */
static void parts_make_one(struct vballoon_trial *trial, const void *how)
{
	const unsigned int *step = how;
	uint64_t gpa = host_page(trial, 1);
	uint32_t pfns[PAGES];
	uint64_t before;

	needs_drop(trial);
	vballoon_trad_fill(trial, gpa, HOST_BYTES, THEIRS);
	before = vballoon_front_end_memory_held(&trial->front_end);
	for (unsigned int first = 0; first < *step; first++) {
		unsigned int count = 0;

		for (unsigned int i = first; i < PAGES; i += *step)
			pfns[count++] = vballoon_trad_pfn(gpa) + i;
		vballoon_trad_say(trial, INFLATE, pfns, count);
	}
	vballoon_require(
		trial,
		vballoon_trad_shrinks(trial, before - HOST_BYTES, trial->setting->patience_ms),
		"a host page whose parts were given does not go, where a whole one does");
	vballoon_trad_take(trial, gpa, PAGES);
	vballoon_trad_fill(trial, gpa, HOST_BYTES, OURS);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, gpa, HOST_BYTES, OURS, "a page that was taken back");
}

/* One half is given and taken back, or was given by the driver before, and then the other. */
static void halves_of_two_times(struct vballoon_trial *trial, const void *how)
{
	const bool *drivers = how;
	uint64_t gpa = host_page(trial, 1);

	vballoon_trad_give(trial, gpa, PAGES / 2);
	if (*drivers) {
		vballoon_trial_stop_queues(trial);
		vballoon_trial_start(trial);
	} else {
		vballoon_trad_take(trial, gpa, PAGES / 2);
	}
	vballoon_trad_fill(trial, gpa, HOST_BYTES, THEIRS);
	vballoon_trad_give(trial, gpa + HOST_BYTES / 2, PAGES / 2);
	vballoon_trad_lapse(trial);
	is_theirs(trial, gpa, HOST_BYTES / 2);
}

/* A page of one that the host has comes back alone, and the others after it. */
static void taken_back_in_part(struct vballoon_trial *trial, const void *how)
{
	uint64_t gpa = host_page(trial, 1);
	uint64_t page = gpa + 200 * PAGE_BYTES;

	(void)how;
	needs_drop(trial);
	vballoon_trad_fill(trial, gpa, HOST_BYTES, THEIRS);
	vballoon_trad_give(trial, gpa, PAGES);
	vballoon_trad_lapse(trial);
	vballoon_trad_take(trial, page, 1);
	vballoon_trad_fill(trial, page, PAGE_BYTES, OURS);
	vballoon_trad_give(trial, host_page(trial, 2), PAGES);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, page, PAGE_BYTES, OURS, "a page that was taken back");
	vballoon_trad_take(trial, gpa, 200);
	vballoon_trad_take(trial, page + PAGE_BYTES, PAGES - 201);
	vballoon_trad_fill(trial, gpa, HOST_BYTES, OURS);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, gpa, HOST_BYTES, OURS, "a page that was taken back");
}

/* A report from the middle of one to the middle of another. */
static void reported_in_part(struct vballoon_trial *trial, const void *how)
{
	uint64_t begin = host_page(trial, 0), end = host_page(trial, 3);
	uint64_t gpa = begin + HOST_BYTES / 2, bytes = 2 * HOST_BYTES;

	(void)how;
	vballoon_trad_fill(trial, begin, end - begin, THEIRS);
	vballoon_trad_name(trial, REPORT, gpa, (uint32_t)bytes);
	vballoon_trad_answer(trial, REPORT);
	vballoon_trad_fill(trial, gpa, bytes, OURS);
	vballoon_trad_lapse(trial);
	is_theirs(trial, begin, HOST_BYTES / 2);
	is_theirs(trial, gpa + bytes, HOST_BYTES / 2);
	vballoon_trad_expect(trial, gpa, bytes, OURS, "a page that was reported before");
}

#define HOST(its_name, its_clause, function, argument, its_needs)                                  \
	{                                                                                          \
		its_name, its_clause, function, argument, false, VBALLOON_STAGE_GREETED,           \
			its_needs, 0, NULL, HOST_SHIFT                                             \
	}
#define PART(its_name, its_first, its_count, its_times)                                            \
	HOST(its_name, "TRAD-HOST-1", part_stays,                                                  \
	     (&(const struct part){ its_first, its_count, its_times }), 0)

static const struct vballoon_case cases[] = {
	PART("one-page", PAGES + 7, 1, 1),
	PART("all-but-the-first", PAGES + 1, PAGES - 1, 1),
	PART("all-but-the-last", PAGES, PAGES - 1, 1),
	PART("half-of-each-of-two", PAGES / 2, PAGES, 1),
	PART("half-twice", PAGES, PAGES / 2, 2),
	HOST("half-and-half", "TRAD-HOST-1", halves_of_two_times, (&(const bool){ false }), 0),
	HOST("half-of-the-driver-before", "TRAD-RESET-1", halves_of_two_times,
	     (&(const bool){ true }), 0),
	HOST("in-two-parts", "TRAD-HOST-2", parts_make_one, (&(const unsigned int){ 2 }),
	     VBALLOON_TRAD_F(MUST_TELL_HOST)),
	HOST("in-seven-parts", "TRAD-HOST-2", parts_make_one, (&(const unsigned int){ 7 }),
	     VBALLOON_TRAD_F(MUST_TELL_HOST)),
	HOST("taken-back-in-part", "TRAD-DEFLATE-1", taken_back_in_part, NULL, 0),
	HOST("reported-in-part", "TRAD-REPORT-1", reported_in_part, NULL,
	     VBALLOON_TRAD_F(REPORTING)),
};

VBALLOON_TRAD_TOPIC(vballoon_topic_trad_host, "trad-host", VBALLOON_RING_ANY, "host pages of 2 MiB",
		    cases);
