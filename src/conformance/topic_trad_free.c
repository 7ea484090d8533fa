/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: free memory that stays the guest's, hinted or reported. */
#include <string.h>

#include "base/le.h"
#include "conformance/place.h"
#include "conformance/space.h"
#include "conformance/topics.h"
#include "conformance/trad.h"

#define HINT VIRTIO_BALLOON_VQ_FREE_PAGE
#define REPORT VIRTIO_BALLOON_VQ_REPORTING
#define PAGE_BYTES UINT64_C(4096)
#define GUARD 32 /* pages of the balloon that are the guest's throughout */
#define GUARDS 16U
#define THEIRS 0x39
#define OURS 0xc6
#define POISON 0xaa

/* A stretch of memory, as a writable descriptor has it. */
struct stretch {
	struct vballoon_place_row row;
	uint32_t bytes;
};

static void guard_set(struct vballoon_trial *trial)
{
	vballoon_trad_fill(trial, vballoon_trial_page(trial, GUARD), GUARDS * PAGE_BYTES, THEIRS);
}

static void guard_check(struct vballoon_trial *trial)
{
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, vballoon_trial_page(trial, GUARD), GUARDS * PAGE_BYTES, THEIRS,
			     "memory that is in use");
}

static enum vballoon_trad_end end_of(struct vballoon_trial *trial, unsigned int role)
{
	enum vballoon_trad_end end = vballoon_trad_settle(trial, role);

	vballoon_require(trial, end != VBALLOON_TRAD_SILENT,
			 "it neither answers nor says that it has stopped");
	return end;
}

/* Pages that were reported are the guest's again when that is answered, and their neighbours
 * were so all the time. */
static void reported(struct vballoon_trial *trial, const void *how)
{
	const unsigned int *pages = how;
	uint64_t gpa = vballoon_trial_page(trial, 64);
	uint64_t bytes = *pages * (uint64_t)PAGE_BYTES;

	vballoon_trad_fill(trial, gpa - PAGE_BYTES, bytes + 2 * PAGE_BYTES, THEIRS);
	vballoon_trad_name(trial, REPORT, gpa, (uint32_t)bytes);
	vballoon_trad_answer(trial, REPORT);
	vballoon_trad_fill(trial, gpa, bytes, OURS);
	vballoon_trad_give(trial, vballoon_trial_page(trial, 0), 8);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa, bytes, OURS, "a page that was reported before");
	vballoon_trad_expect(trial, gpa - PAGE_BYTES, PAGE_BYTES, THEIRS, "the page before");
	vballoon_trad_expect(trial, gpa + bytes, PAGE_BYTES, THEIRS, "the page behind");
	vballoon_trad_take(trial, vballoon_trial_page(trial, 0), 8);
}

/* A stretch that begins and ends within pages: what lies beside it in them stays. */
static void reported_in_part(struct vballoon_trial *trial, const void *how)
{
	const struct stretch *part = how;
	uint64_t gpa = vballoon_place_entry(trial, &part->row);
	uint64_t first = gpa & ~(uint64_t)(PAGE_BYTES - 1);
	uint64_t end = (gpa + part->bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);

	vballoon_trad_fill(trial, first, end - first, THEIRS);
	vballoon_trad_name(trial, REPORT, gpa, part->bytes);
	if (end_of(trial, REPORT) == VBALLOON_TRAD_ANSWERED)
		vballoon_trad_work(trial, 2);
	vballoon_trad_expect(trial, first, gpa - first, THEIRS, "what lies before a stretch");
	vballoon_trad_expect(trial, gpa + part->bytes, end - gpa - part->bytes, THEIRS,
			     "what lies behind a stretch");
}

/* With a poison that is not zero, what was reported still has it. */
static void poisoned(struct vballoon_trial *trial, const void *how)
{
	const uint8_t value[4] = { POISON, POISON, POISON, POISON };
	uint64_t gpa = vballoon_trial_page(trial, 64);

	(void)how;
	vballoon_space_write(trial, 12, value, sizeof(value));
	vballoon_trial_start(trial);
	vballoon_trad_fill(trial, gpa, 16 * PAGE_BYTES, POISON);
	vballoon_trad_name(trial, REPORT, gpa, 16 * PAGE_BYTES);
	vballoon_trad_answer(trial, REPORT);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa, 16 * PAGE_BYTES, POISON,
			     "a page that the guest has filled with its poison");
}

/* What is in the balloon is not reported; it can be taken back afterwards. */
static void held(struct vballoon_trial *trial, const void *how)
{
	uint64_t gpa = vballoon_trial_page(trial, 8);

	(void)how;
	guard_set(trial);
	vballoon_trad_give(trial, gpa, 4);
	vballoon_trad_name(trial, REPORT, gpa - PAGE_BYTES, 6 * PAGE_BYTES);
	if (end_of(trial, REPORT) == VBALLOON_TRAD_ANSWERED) {
		vballoon_trad_take(trial, gpa, 4);
		vballoon_trad_fill(trial, gpa, 4 * PAGE_BYTES, OURS);
		vballoon_trad_quiesce(trial);
		vballoon_trad_expect(trial, gpa, 4 * PAGE_BYTES, OURS,
				     "a page that was taken back");
	}
	guard_check(trial);
}

/* Memory that is not, or that is not the driver's to report. */
static void stretch_is_harmless(struct vballoon_trial *trial, unsigned int role,
				const struct stretch *stretch)
{
	guard_set(trial);
	vballoon_trad_name(trial, role, vballoon_place_entry(trial, &stretch->row), stretch->bytes);
	if (end_of(trial, role) == VBALLOON_TRAD_ANSWERED)
		vballoon_trad_work(trial, 2);
	guard_check(trial);
}

static void report_is_harmless(struct vballoon_trial *trial, const void *how)
{
	stretch_is_harmless(trial, REPORT, how);
}

static void hint_is_harmless(struct vballoon_trial *trial, const void *how)
{
	stretch_is_harmless(trial, HINT, how);
}

/* A readable part that names pages by their numbers, where stretches belong. */
static void numbers_are_no_report(struct vballoon_trial *trial, const void *how)
{
	const bool *behind = how; /* a stretch follows them */
	uint32_t pfns[GUARDS];
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(SAID), sizeof(pfns), false },
		{ vballoon_gpa(vballoon_trial_page(trial, 64)), PAGE_BYTES, true },
	};

	guard_set(trial);
	for (unsigned int i = 0; i < GUARDS; i++)
		pfns[i] = vballoon_le32(vballoon_trad_pfn(vballoon_trial_page(trial, GUARD + i)));
	memcpy(vballoon_trial_at(trial, SAID), pfns, sizeof(pfns));
	vballoon_driver_post_chain(trial, vballoon_trad_index(trial, REPORT), buffers,
				   *behind ? 2 : 1);
	(void)end_of(trial, REPORT);
	guard_check(trial);
}

/* A command, and pages behind it. */
struct command {
	uint32_t bytes;
	uint32_t id[2];
};

/* An id that is not that of a round under way: what is hinted with it changes nothing. */
static void command_is_harmless(struct vballoon_trial *trial, const void *how)
{
	const struct command *command = how;
	__le32 wire[2] = { vballoon_le32(command->id[0]), vballoon_le32(command->id[1]) };

	guard_set(trial);
	vballoon_driver_post_on(trial, vballoon_trad_index(trial, HINT), wire, command->bytes, 0);
	if (end_of(trial, HINT) == VBALLOON_TRAD_STOPPED)
		return;
	vballoon_trad_name(trial, HINT, vballoon_trial_page(trial, GUARD), GUARDS * PAGE_BYTES);
	if (end_of(trial, HINT) == VBALLOON_TRAD_ANSWERED)
		vballoon_trad_work(trial, 2);
	guard_check(trial);
}

/* The id and the pages in one chain. */
static void command_with_pages(struct vballoon_trial *trial, const void *how)
{
	const uint32_t *id = how;
	const __le32 wire = vballoon_le32(*id);
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(SAID), sizeof(wire), false },
		{ vballoon_gpa(vballoon_trial_page(trial, GUARD)), GUARDS * PAGE_BYTES, true },
	};

	guard_set(trial);
	memcpy(vballoon_trial_at(trial, SAID), &wire, sizeof(wire));
	vballoon_driver_post_chain(trial, vballoon_trad_index(trial, HINT), buffers, 2);
	(void)end_of(trial, HINT);
	guard_check(trial);
}

#define CASE(its_name, its_clause, function, argument, is_negative, its_needs)                     \
	{                                                                                          \
		its_name, its_clause, function, argument, is_negative, VBALLOON_STAGE_GREETED,     \
			its_needs, 0                                                               \
	}
#define F_HINT VBALLOON_TRAD_F(FREE_PAGE_HINT)
#define F_REPORT VBALLOON_TRAD_F(REPORTING)
#define REPORTED(its_name, pages)                                                                  \
	CASE(its_name, "TRAD-REPORT-1", reported, (&(const unsigned int){ pages }), false, F_REPORT)
#define PART(its_name, offset, length)                                                             \
	CASE(its_name, "TRAD-REPORT-2", reported_in_part,                                          \
	     (&(const struct stretch){ { PLACE_BALLOON, 64, offset, 0, 0 }, length }), true,       \
	     F_REPORT)
#define STRETCH(function, its_needs, its_name, its_clause, place, pages, offset, length)           \
	CASE(its_name, its_clause, function,                                                       \
	     (&(const struct stretch){ { place, pages, offset, 0, 0 }, length }), true, its_needs)
/* Wrong in the same way whether it is a hint or a report. */
#define WRONG(function, its_needs, area)                                                           \
	STRETCH(function, its_needs, "address-zero", area "-3", PLACE_ZERO, 0, 0, PAGE_BYTES),     \
		STRETCH(function, its_needs, "before-memory", area "-3", PLACE_BASE, -1, 0,        \
			PAGE_BYTES),                                                               \
		STRETCH(function, its_needs, "in-a-hole", area "-3", PLACE_HOLE, 2, 0,             \
			4 * PAGE_BYTES),                                                           \
		STRETCH(function, its_needs, "into-a-hole", area "-3", PLACE_HOLE, -1, 0,          \
			2 * PAGE_BYTES),                                                           \
		STRETCH(function, its_needs, "out-of-a-hole", area "-3", PLACE_ISLAND, -1, 0,      \
			2 * PAGE_BYTES),                                                           \
		STRETCH(function, its_needs, "behind-memory", area "-3", PLACE_END, 0, 0,          \
			PAGE_BYTES),                                                               \
		STRETCH(function, its_needs, "beyond-all-addresses", area "-3", PLACE_ZERO, -1, 0, \
			2 * PAGE_BYTES),                                                           \
		STRETCH(function, its_needs, "4-GiB-less-a-byte", area "-3", PLACE_BALLOON, GUARD, \
			0, UINT32_MAX),                                                            \
		STRETCH(function, its_needs, "first-ring", area "-4", PLACE_BASE, 0, 0,            \
			PAGE_BYTES),                                                               \
		STRETCH(function, its_needs, "all-rings", area "-4", PLACE_BASE, 0, 0,             \
			16 * PAGE_BYTES)
#define COMMAND(its_name, its_clause, length, first, second)                                       \
	CASE(its_name, its_clause, command_is_harmless,                                            \
	     (&(const struct command){ length, { first, second } }), true, F_HINT)

static const struct vballoon_case report_cases[] = {
	REPORTED("one-page", 1),
	REPORTED("512-pages", 512),
	/* Said before there is a queue that could be heard first. */
	{ "keeps-its-poison", "TRAD-REPORT-5", poisoned, NULL, false, VBALLOON_STAGE_NEGOTIATED,
	  F_REPORT | VBALLOON_TRAD_F(PAGE_POISON), 0 },
	CASE("of-what-is-held", "TRAD-REPORT-6", held, NULL, true, F_REPORT),
	PART("a-byte", 100, 1),
	PART("page-less-a-byte", 0, PAGE_BYTES - 1),
	PART("page-over-two", 100, PAGE_BYTES),
	PART("page-and-two-parts", PAGE_BYTES - 1, PAGE_BYTES + 2),
	PART("two-halves", PAGE_BYTES / 2, PAGE_BYTES),
	CASE("numbers-of-pages", "TRAD-REPORT-7", numbers_are_no_report, (&(const bool){ false }),
	     true, F_REPORT),
	CASE("numbers-and-a-stretch", "TRAD-REPORT-7", numbers_are_no_report,
	     (&(const bool){ true }), true, F_REPORT),
	WRONG(report_is_harmless, F_REPORT, "TRAD-REPORT"),
};

static const struct vballoon_case hint_cases[] = {
	COMMAND("stop-before-any-round", "TRAD-HINT-1", 4, VIRTIO_BALLOON_CMD_ID_STOP, 0),
	COMMAND("done-as-an-id", "TRAD-HINT-1", 4, VIRTIO_BALLOON_CMD_ID_DONE, 0),
	COMMAND("id-that-was-not-given", "TRAD-HINT-1", 4, 2, 0),
	COMMAND("id-of-the-sign-bit", "TRAD-HINT-1", 4, 0x80000000, 0),
	COMMAND("id-all-ones", "TRAD-HINT-1", 4, UINT32_MAX, 0),
	COMMAND("id-of-a-byte", "TRAD-HINT-2", 1, 2, 0),
	COMMAND("id-less-a-byte", "TRAD-HINT-2", 3, 2, 0),
	COMMAND("id-and-a-byte", "TRAD-HINT-2", 5, 2, 2),
	COMMAND("two-ids", "TRAD-HINT-2", 8, 2, VIRTIO_BALLOON_CMD_ID_STOP),
	CASE("pages-with-an-id", "TRAD-HINT-1", command_with_pages, (&(const uint32_t){ 2 }), true,
	     F_HINT),
	CASE("pages-with-a-stop", "TRAD-HINT-1", command_with_pages,
	     (&(const uint32_t){ VIRTIO_BALLOON_CMD_ID_STOP }), true, F_HINT),
	STRETCH(hint_is_harmless, F_HINT, "without-an-id", "TRAD-HINT-1", PLACE_BALLOON, GUARD, 0,
		GUARDS *PAGE_BYTES),
	WRONG(hint_is_harmless, F_HINT, "TRAD-HINT"),
};

VBALLOON_TRAD_TOPIC(vballoon_topic_trad_report, "trad-report", VBALLOON_RING_ANY,
		    "reporting_vq: free memory, untouched until it is answered", report_cases);
VBALLOON_TRAD_TOPIC(vballoon_topic_trad_hint, "trad-hint", VBALLOON_RING_ANY,
		    "free_page_vq: free memory that may be used at any time", hint_cases);
