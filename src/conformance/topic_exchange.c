/* SPDX-License-Identifier: BSD-3-Clause */
/* EXCHANGE: the driver chooses which page goes into the balloon for which. */
#include <string.h>

#include "base/le.h"
#include "conformance/message.h"
#include "conformance/place.h"
#include "conformance/topics.h"

#define F_EXCHANGE VBALLOON_F(EXCHANGE)
#define F_RUNS VBALLOON_F(PAGE_RUNS)
#define PAIRS_MAX 4U

/* Pages of the balloon: those from 0 on are held, those from FREE on are the guest's. */
#define HELD 8U
#define FREE 64

#define NONE UINT64_MAX /* give: take only */

struct pair {
	uint64_t give, take;
};

/* Exchange @count pairs: a verdict each. */
static void exchange(struct vballoon_trial *trial, const struct pair *pairs, uint32_t count,
		     uint8_t *verdicts)
{
	uint64_t message[1 + 2 * PAIRS_MAX] = { vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE) };
	uint32_t written;

	for (uint32_t i = 0; i < count; i++) {
		message[1 + 2 * i] = vballoon_le64(pairs[i].give);
		message[2 + 2 * i] = vballoon_le64(pairs[i].take);
	}
	written = vballoon_driver_say(trial, message, 8 + 16 * count, count);
	vballoon_require(trial, written == count, "%u pairs were answered with %u bytes", count,
			 written);
	memcpy(verdicts, vballoon_driver_said(trial), written);
}

static uint8_t exchange_one(struct vballoon_trial *trial, uint64_t give, uint64_t take)
{
	const struct pair pair = { give, take };
	uint8_t verdict;

	exchange(trial, &pair, 1, &verdict);
	return verdict;
}

static void expect_held(struct vballoon_trial *trial, uint64_t pages)
{
	uint64_t held = vballoon_driver_hello_again(trial, 0);

	vballoon_require(trial, held == pages, "the record holds %llu pages, not %llu",
			 (unsigned long long)held, (unsigned long long)pages);
}

static void swaps(struct vballoon_trial *trial, const void *how)
{
	uint64_t give = vballoon_trial_page(trial, FREE), take = vballoon_trial_page(trial, 3);
	uint64_t entries[HELD];
	uint32_t count;

	(void)how;
	vballoon_driver_give(trial, 3, 1);
	vballoon_require(trial, exchange_one(trial, give, take) == 1, "a sound pair was refused");
	expect_held(trial, 1);
	count = vballoon_driver_withdraw(trial, UINT64_MAX, 0, entries, HELD);
	vballoon_require(trial, count == 1 && entries[0] == give,
			 "the page that went into the balloon does not come out");
}

static void takes_only(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 2);
	vballoon_require(trial, exchange_one(trial, NONE, vballoon_trial_page(trial, 1)) == 1,
			 "a pair that only takes was refused");
	expect_held(trial, 1);
}

static void goes_in_order(struct vballoon_trial *trial, const void *how)
{
	uint64_t a = vballoon_trial_page(trial, FREE), b = vballoon_trial_page(trial, FREE + 1);
	uint64_t held = vballoon_trial_page(trial, 0);
	const struct pair pairs[] = { { a, held }, { b, a }, { held, b } };
	uint8_t verdicts[3];

	(void)how;
	vballoon_driver_give(trial, 0, 1);
	exchange(trial, pairs, 3, verdicts);
	vballoon_require(trial, verdicts[0] && verdicts[1] && verdicts[2],
			 "pairs that make each other possible were not carried out in order");
	expect_held(trial, 1);
}

static void swaps_runs(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 4);
	vballoon_require(trial,
			 exchange_one(trial, vballoon_trial_page(trial, FREE) | 3,
				      vballoon_trial_page(trial, 0) | 3) == 1,
			 "runs of the same length were not swapped");
	expect_held(trial, 4);
}

static void given_page_may_come_back_dirty(struct vballoon_trial *trial, const void *how)
{
	unsigned char *at = vballoon_trial_at(trial, vballoon_trial_page(trial, 2));

	(void)how;
	vballoon_driver_give(trial, 2, 1);
	vballoon_require(trial, exchange_one(trial, NONE, vballoon_trial_page(trial, 2)) == 1,
			 "a held page could not be taken");
	memset(at, 0x42, 64);
	vballoon_driver_give(trial, 5, 1);
	vballoon_driver_hello_again(trial, 0);
	for (unsigned int i = 0; i < 64; i++)
		vballoon_require(trial, at[i] == 0x42, "a page that was taken has changed");
}

/* A pair that is refused, between two that are not; the record is as if it had not been. */
struct bad_pair {
	struct vballoon_place_row give, take;
	bool takes_only;
};

static void refused(struct vballoon_trial *trial, const void *how)
{
	const struct bad_pair *bad = how;
	const struct pair pairs[] = {
		{ vballoon_trial_page(trial, FREE + 32), vballoon_trial_page(trial, 6) },
		{ bad->takes_only ? NONE : vballoon_place_entry(trial, &bad->give),
		  vballoon_place_entry(trial, &bad->take) },
		{ vballoon_trial_page(trial, FREE + 33), vballoon_trial_page(trial, 7) },
	};
	uint8_t verdicts[3];

	vballoon_driver_give(trial, 0, HELD);
	exchange(trial, pairs, 3, verdicts);
	vballoon_require(trial, verdicts[1] != 1, "the pair 0x%llx for 0x%llx was carried out",
			 (unsigned long long)pairs[1].give, (unsigned long long)pairs[1].take);
	vballoon_require(trial, !verdicts[1], "its verdict is %u, where there are 0 and 1",
			 verdicts[1]);
	vballoon_require(trial, verdicts[0] && verdicts[2],
			 "the pairs before and behind it were refused, too");
	expect_held(trial, HELD);
}

/* A pair that was refused has left the take in the balloon and the give outside. */
static void refused_changes_nothing(struct vballoon_trial *trial, const void *how)
{
	unsigned char *at = vballoon_trial_at(trial, vballoon_trial_page(trial, FREE));
	uint64_t take;

	(void)how;
	memset(at, 0x99, 64);
	vballoon_driver_give(trial, 0, 1);
	vballoon_require(trial,
			 !exchange_one(trial, vballoon_trial_page(trial, FREE),
				       vballoon_trial_page(trial, 1)),
			 "a page that is not held was taken");
	vballoon_require(trial,
			 vballoon_driver_withdraw(trial, 4, 0, &take, 1) == 1 &&
				 take == vballoon_trial_page(trial, 0),
			 "what was held before is not what comes back");
	for (unsigned int i = 0; i < 64; i++)
		vballoon_require(trial, at[i] == 0x99, "the page that stayed has changed");
}

static void before_hello(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	trial->unit_shift = trial->facts->config.page_shift;
	vballoon_require(trial,
			 !exchange_one(trial, vballoon_trial_page(trial, FREE),
				       vballoon_trial_page(trial, 0)),
			 "a pair was carried out before HELLO");
}

#define STAGE VBALLOON_STAGE_GREETED
#define DOES(its_name, its_clause, function, its_needs)                                            \
	{                                                                                          \
		its_name, its_clause, function, NULL, false, STAGE, F_EXCHANGE | (its_needs), 0    \
	}
#define REFUSED(its_name, its_clause, its_needs, its_lacks, ...)                                   \
	{                                                                                          \
		its_name, its_clause, refused, &(const struct bad_pair){ __VA_ARGS__ }, true,      \
			STAGE, F_EXCHANGE | (its_needs), its_lacks                                 \
	}
#define STOPS(its_name, its_clause, ...)                                                           \
	{                                                                                          \
		its_name, its_clause, vballoon_message_stops,                                      \
			&(const struct vballoon_message_row){                                      \
				.type = VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, __VA_ARGS__            \
			},                                                                         \
			true, STAGE, F_EXCHANGE, 0                                                 \
	}
#define FREE_PAGE .give = { PLACE_BALLOON, .pages = FREE }
#define HELD_PAGE .take = { PLACE_BALLOON, .pages = 1 }
#define WORDS                                                                                      \
	{                                                                                          \
		VBALLOON_WORD_PAGE, VBALLOON_WORD_NEXT_PAGE                                        \
	}

static const struct vballoon_case cases[] = {
	DOES("swaps", "DEV-EXCHANGE-1", swaps, 0),
	DOES("takes-only", "DEV-EXCHANGE-10", takes_only, 0),
	DOES("in-order", "DEV-EXCHANGE-2", goes_in_order, 0),
	DOES("runs", "DEV-EXCHANGE-9", swaps_runs, F_RUNS),
	DOES("taken-page-is-the-guests", "DEV-EXCHANGE-12", given_page_may_come_back_dirty, 0),
	REFUSED("give-address-zero", "DEV-EXCHANGE-5", 0, 0, .give = { PLACE_ZERO }, HELD_PAGE),
	REFUSED("give-in-a-hole", "DEV-EXCHANGE-5", 0, 0, .give = { PLACE_HOLE }, HELD_PAGE),
	REFUSED("give-behind-memory", "DEV-EXCHANGE-5", 0, 0, .give = { PLACE_END }, HELD_PAGE),
	REFUSED("give-one-word-off", "DEV-EXCHANGE-5", 0, F_RUNS,
		.give = { PLACE_BALLOON, .pages = FREE, .bytes = 8 }, HELD_PAGE),
	REFUSED("give-a-ring", "DEV-EXCHANGE-5", 0, 0, .give = { PLACE_BASE }, HELD_PAGE),
	REFUSED("give-the-other-ring", "DEV-EXCHANGE-5", 0, 0, .give = { PLACE_RING_1 }, HELD_PAGE),
	REFUSED("give-a-held-page", "DEV-EXCHANGE-6", 0, 0, .give = { PLACE_BALLOON, .pages = 0 },
		HELD_PAGE),
	REFUSED("give-what-it-takes", "DEV-EXCHANGE-6", 0, 0, .give = { PLACE_BALLOON, .pages = 1 },
		HELD_PAGE),
	REFUSED("give-a-run-with-a-held-page", "DEV-EXCHANGE-6", F_RUNS, 0,
		.give = { PLACE_BALLOON, .pages = HELD - 3, .units = 4 },
		.take = { PLACE_BALLOON, .pages = 0, .units = 4 }),
	REFUSED("give-a-run-into-a-hole", "DEV-EXCHANGE-5", F_RUNS, 0,
		.give = { PLACE_HOLE, .pages = -1, .units = 2 },
		.take = { PLACE_BALLOON, .pages = 0, .units = 2 }),
	REFUSED("take-a-free-page", "DEV-EXCHANGE-7", 0, 0, FREE_PAGE,
		.take = { PLACE_BALLOON, .pages = FREE + 1 }),
	REFUSED("take-only-a-free-page", "DEV-EXCHANGE-7", 0, 0, .takes_only = true,
		.take = { PLACE_BALLOON, .pages = FREE + 1 }),
	REFUSED("take-in-a-hole", "DEV-EXCHANGE-7", 0, 0, FREE_PAGE, .take = { PLACE_HOLE }),
	REFUSED("take-address-zero", "DEV-EXCHANGE-7", 0, 0, FREE_PAGE, .take = { PLACE_ZERO }),
	REFUSED("take-all-ones", "DEV-EXCHANGE-7", 0, F_RUNS, FREE_PAGE,
		.take = { PLACE_ZERO, .bytes = -1 }),
	REFUSED("take-a-run-with-a-free-page", "DEV-EXCHANGE-7", F_RUNS, 0,
		.give = { PLACE_BALLOON, .pages = FREE, .units = 4 },
		.take = { PLACE_BALLOON, .pages = HELD - 3, .units = 4 }),
	REFUSED("take-one-word-off", "DEV-EXCHANGE-8", 0, F_RUNS, FREE_PAGE,
		.take = { PLACE_BALLOON, .pages = 1, .bytes = 8 }),
	REFUSED("take-only-off", "DEV-EXCHANGE-8", 0, F_RUNS, .takes_only = true,
		.take = { PLACE_BALLOON, .pages = 1, .bytes = 2048 }),
	REFUSED("two-for-one", "DEV-EXCHANGE-9", F_RUNS, 0,
		.give = { PLACE_BALLOON, .pages = FREE, .units = 2 }, HELD_PAGE),
	REFUSED("one-for-two", "DEV-EXCHANGE-9", F_RUNS, 0, FREE_PAGE,
		.take = { PLACE_BALLOON, .pages = 0, .units = 2 }),
	{ "refused-changes-nothing", "DEV-EXCHANGE-1", refused_changes_nothing, NULL, true, STAGE,
	  F_EXCHANGE, 0 },
	{ "before-hello", "DEV-HELLO-9", before_hello, NULL, true, VBALLOON_STAGE_RUNNING,
	  F_EXCHANGE, 0 },

	STOPS("half-a-pair", "DEV-MSG-7", .readable = 16, .writable = 1, .body = WORDS),
	STOPS("pair-less-a-byte", "DEV-MSG-7", .readable = 23, .writable = 1, .body = WORDS),
	STOPS("a-pair-and-a-half", "DEV-MSG-7", .readable = 32, .writable = 2, .body = WORDS),
	STOPS("without-room", "DEV-EXCHANGE-4", .readable = 24, .body = WORDS),
	STOPS("room-for-one-of-two", "DEV-EXCHANGE-4", .readable = 40, .writable = 1,
	      .body = WORDS),
	STOPS("flag-one", "DEV-MSG-6", .flags = 1, .readable = 24, .writable = 1, .body = WORDS),
};

VBALLOON_TOPIC(vballoon_topic_exchange, "exchange", VBALLOON_RING_ANY,
	       "EXCHANGE: one page for another", cases);
