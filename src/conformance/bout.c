/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/bout.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/le.h"

#define PAGE_SHIFT 12
#define VERSION_1 (UINT64_C(1) << 32)
#define RING_PACKED (UINT64_C(1) << 34)
#define PAGE_RUNS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)
#define TURN_MS 20
#define GONE_MS 100

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void vballoon_bout_end(struct vballoon_bout *bout, enum vballoon_outcome outcome,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(bout->why, sizeof(bout->why), format, args);
	va_end(args);
	bout->outcome = outcome;
	longjmp(bout->ended, 1);
}

/* What the driver may never do, and that it lives. */
static void look(struct vballoon_bout *bout)
{
	const struct vballoon_impostor_seen *seen = &bout->impostor.seen;
	char why[128];

	if (seen->clause) {
		bout->clause = seen->clause;
		vballoon_bout_end(bout, VBALLOON_FAIL, "%s", seen->why);
	}
	if (bout->impostor.gone)
		poll(NULL, 0, GONE_MS); /* a process that ends closes first */
	if (!vballoon_subject_lives(bout->subject, why, sizeof(why)))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "%s", why);
	if (bout->impostor.gone)
		vballoon_bout_end(bout, VBALLOON_WEDGED, "it has closed the connection");
}

bool vballoon_bout_await(struct vballoon_bout *bout, vballoon_bout_condition *holds, uint64_t value,
			 int timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;

	while (!holds(bout, value)) {
		if (now_ms() >= until)
			return false;
		vballoon_impostor_turn(&bout->impostor, TURN_MS);
		look(bout);
	}
	return true;
}

static bool never(const struct vballoon_bout *bout, uint64_t value)
{
	(void)bout;
	(void)value;
	return false;
}

void vballoon_bout_watch(struct vballoon_bout *bout, int ms)
{
	vballoon_bout_await(bout, never, 0, ms);
}

bool vballoon_bout_holds(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.held == value;
}

bool vballoon_bout_was_reset(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.seen.resets > value;
}

bool vballoon_bout_has_lied(const struct vballoon_bout *bout, uint64_t value)
{
	(void)value;
	return bout->impostor.lied;
}

bool vballoon_bout_hellos(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.seen.hellos >= value;
}

bool vballoon_bout_withdraws(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.seen.withdraws >= value;
}

bool vballoon_bout_exchanges(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.seen.exchanges >= value;
}

bool vballoon_bout_stats(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.seen.stats >= value;
}

bool vballoon_bout_rounds(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.seen.rounds >= value;
}

void vballoon_bout_greet(struct vballoon_bout *bout)
{
	if (!vballoon_bout_await(bout, vballoon_bout_hellos, 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "%s in %d ms",
				  bout->impostor.connected ? "the driver said no HELLO"
							   : "nobody connected",
				  bout->patience_ms);
}

void vballoon_bout_resize(struct vballoon_bout *bout, uint64_t pages)
{
	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0, pages);
	if (!vballoon_bout_await(bout, vballoon_bout_holds, pages, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED,
				  "asked for %llu pages, %llu are in the balloon after %d ms",
				  (unsigned long long)pages,
				  (unsigned long long)bout->impostor.held, bout->patience_ms);
}

/* A driver may leave out what it likes; then there is nothing to see. */
static void require_features(struct vballoon_bout *bout, uint64_t needs, uint64_t there,
			     const char *what)
{
	uint64_t missing = needs & ~there;

	if (missing)
		vballoon_bout_end(bout, VBALLOON_SKIP, "feature %d is not %s",
				  __builtin_ctzll(missing), what);
}

enum vballoon_outcome vballoon_bout_run(struct vballoon_bout *bout, const struct vballoon_case *row)
{
	uint64_t needs = row->needs | (bout->packed ? RING_PACKED : 0);

	vballoon_impostor_forget(&bout->impostor);
	bout->impostor.offered = VERSION_1 | (PAGE_RUNS & ~row->lacks & bout->features) | needs;
	bout->impostor.config = (struct virtio_memory_balloon_config){
		vballoon_le32(PAGE_SHIFT), vballoon_le32(VIRTIO_MEMORY_BALLOON_REVISION)
	};
	bout->why[0] = '\0';
	bout->clause = row->clause;
	bout->outcome = row->negative ? VBALLOON_REJECT : VBALLOON_PASS;
	if (!setjmp(bout->ended)) {
		require_features(bout, row->needs, bout->features, "wanted");
		if (row->stage >= VBALLOON_STAGE_RUNNING) {
			(void)vballoon_subject_start(bout->subject);
			vballoon_bout_greet(bout);
			require_features(bout, needs, bout->impostor.features, "accepted");
		}
		if (row->stage >= VBALLOON_STAGE_GREETED)
			vballoon_bout_resize(bout, VBALLOON_BOUT_PAGES);
		row->play(bout, row->how);
		look(bout);
	}
	return bout->outcome;
}
