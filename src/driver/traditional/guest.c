/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver as a whole: what it is made of, what it does in one step. */
#include <errno.h>
#include <stddef.h>

#include "base/checked.h"
#include "driver/port/pages.h"
#include "driver/traditional/core.h"

/* Answers came as fast as they could be taken: look again, but do not spin. */
#define BUSY_MS 1

#define HAS(features, name) ((features) >> VIRTIO_BALLOON_F_##name & 1)

_Static_assert(offsetof(struct vballoon_traditional_guest, life) == 0, "guest_of() relies on it");
_Static_assert(sizeof(struct vballoon_traditional_guest) <= VBALLOON_TRADITIONAL_GUEST_BYTES,
	       "as told");

static bool can_always(const void *config, uint64_t features)
{
	(void)config;
	(void)features;
	return true;
}

static bool can_tell_stats(const void *config, uint64_t features)
{
	const struct vballoon_traditional_guest_config *guest = config;

	(void)features;
	return guest->ops->stats;
}

static bool can_poison(const void *config, uint64_t features)
{
	const struct vballoon_traditional_guest_config *guest = config;

	(void)features;
	return guest->free_is_poisoned;
}

static bool can_report(const void *config, uint64_t features)
{
	const struct vballoon_traditional_guest_config *guest = config;

	return guest->ops->free_next && guest->ops->free_done &&
	       (!guest->free_is_poisoned || HAS(features, PAGE_POISON));
}

/* The two are never offered together; if they are, the device is told first. */
static bool can_be_silent(const void *config, uint64_t features)
{
	const struct vballoon_traditional_guest_config *guest = config;

	return guest->ops->get_reserve && !HAS(features, MUST_TELL_HOST);
}

/* Free memory is hinted for the sake of a migration, which gains nothing that reporting has not
 * given before. */
static const vballoon_guest_can can[] = {
	[VIRTIO_BALLOON_F_MUST_TELL_HOST] = can_always,
	[VIRTIO_BALLOON_F_STATS_VQ] = can_tell_stats,
	[VIRTIO_BALLOON_F_DEFLATE_ON_OOM] = can_always,
	[VIRTIO_BALLOON_F_PAGE_POISON] = can_poison,
	[VIRTIO_BALLOON_F_REPORTING] = can_report,
	[VIRTIO_BALLOON_F_SILENT_DEFLATE] = can_be_silent,
};

static bool is_complete(const struct vballoon_traditional_guest_config *config)
{
	const struct vballoon_traditional_guest_ops *ops = config->ops;

	return ops && ops->get_page && ops->return_page && ops->reset && ops->start &&
	       ops->notify && ops->queue_size && ops->num_pages && ops->set_actual &&
	       config->shared && config->ranges && config->range_count &&
	       vballoon_is_aligned((uintptr_t)config->shared, 4) &&
	       vballoon_is_aligned(config->shared_gpa.value, 4) &&
	       config->unit_shift >= VIRTIO_BALLOON_PFN_SHIFT &&
	       config->unit_shift <= VBALLOON_TRADITIONAL_GUEST_SHIFT_MAX;
}

bool vballoon_traditional_is_givable(const struct vballoon_traditional_guest *guest, uint64_t gpa,
				     uint64_t units)
{
	uint64_t shared = guest->config.shared_gpa.value;
	uint64_t end = gpa + (units << guest->config.unit_shift);

	/* What lies in a range does not wrap; and a page number has 32 bits. */
	return vballoon_is_aligned(gpa, guest->config.unit_shift) &&
	       vballoon_traditional_pool_lacks(&guest->pool, gpa, units) &&
	       end <= UINT64_C(1) << (32 + VIRTIO_BALLOON_PFN_SHIFT) &&
	       (end <= shared || gpa >= shared + VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES);
}

/* virtio 1.3, 5.5.6.1 */
uint64_t vballoon_traditional_spare_units(const struct vballoon_traditional_guest *guest)
{
	uint64_t unit_pages = vballoon_traditional_unit_pages(guest);
	uint64_t units = vballoon_traditional_pool_units(&guest->pool);
	uint64_t target = __atomic_load_n(&guest->target, __ATOMIC_RELAXED);
	uint64_t wanted = (target + unit_pages - 1) / unit_pages;

	if (vballoon_traditional_has(guest, VIRTIO_BALLOON_F_DEFLATE_ON_OOM))
		return units;
	return units > wanted ? units - wanted : 0;
}

static struct vballoon_traditional_guest *guest_of(struct vballoon_guest_life *life)
{
	return (struct vballoon_traditional_guest *)(void *)life;
}

static void leave(struct vballoon_guest_life *life)
{
	struct vballoon_traditional_guest *guest = guest_of(life);

	guest->config.ops->reset(guest->config.context);
	/* Of a device that is reset nothing has to be left in the balloon. */
	__atomic_store_n(&guest->target, 0, __ATOMIC_RELAXED);
	vballoon_traditional_inflate_recall(guest);
	vballoon_traditional_deflate_recall(guest);
	vballoon_traditional_report_recall(guest);
	vballoon_decide_init(&guest->decide, vballoon_traditional_unit_pages(guest));
}

static uint64_t return_next(struct vballoon_guest_life *life, uint64_t most)
{
	struct vballoon_traditional_guest *guest = guest_of(life);
	struct vballoon_gpa gpa;
	uint64_t units = vballoon_traditional_pool_take(&guest->pool, most, &gpa.value);

	if (!units)
		return 0;
	guest->deflate.returned += units * vballoon_traditional_unit_pages(guest);
	guest->config.ops->return_page(guest->config.context, gpa, units,
				       VBALLOON_GUEST_TAKEN_BACK);
	return units;
}

/* What was taken without a word since the last look, in pages. */
static uint32_t taken_unseen(const struct vballoon_traditional_guest *guest)
{
	return __atomic_load_n(&guest->taken, __ATOMIC_RELAXED) - guest->taken_seen;
}

static int start(struct vballoon_guest_life *life)
{
	struct vballoon_traditional_guest *guest = guest_of(life);
	const struct vballoon_traditional_guest_ops *ops = guest->config.ops;
	struct vballoon_traditional_guest_queue queues[TRADITIONAL_QUEUES];
	uint32_t taken = taken_unseen(guest);
	unsigned int count;

	ops->reset(guest->config.context);
	count = vballoon_traditional_queues_prepare(guest, queues);
	vballoon_decide_init(&guest->decide, vballoon_traditional_unit_pages(guest));
	/* The balloon is empty, and the device knows. */
	vballoon_decide_greeted(&guest->decide, 0);
	guest->deflate.wanted = 0;
	guest->deflate.late = false;
	/* Of the life before: no part of the balloon of this one. */
	guest->taken_seen += taken;
	guest->taken_ever += taken;
	guest->actual = UINT32_MAX; /* a device may remember what it was before */
	guest->changed = true;
	return ops->start(guest->config.context, guest->features, queues, count);
}

static void begin(struct vballoon_guest_life *life)
{
	vballoon_traditional_stats_send(guest_of(life));
}

static void look_at_target(struct vballoon_traditional_guest *guest)
{
	uint32_t target;

	if (!guest->changed)
		return;
	guest->changed = false;
	target = guest->config.ops->num_pages(guest->config.context);
	/* Something else may have changed: that ends no waiting. */
	if (target == guest->decide.target)
		return;
	__atomic_store_n(&guest->target, target, __ATOMIC_RELAXED);
	vballoon_decide_resize(&guest->decide, target);
}

/* One step towards the target: how long the next can wait. */
static uint64_t follow(struct vballoon_traditional_guest *guest)
{
	struct vballoon_decision next = vballoon_decide_next(&guest->decide, guest->life.now_ms);

	if (next.action == VBALLOON_DECIDE_IDLE)
		return next.wait_ms;
	if (next.action == VBALLOON_DECIDE_ADD)
		return vballoon_traditional_inflate_send(guest, next.pages)
			       ? 0
			       : VBALLOON_GUEST_FOREVER;
	vballoon_traditional_deflate_send(guest, next.pages, false);
	/* Nothing was sent: all of it has been taken since it was counted. */
	return guest->deflate.message.in_flight ? VBALLOON_GUEST_FOREVER : 0;
}

static void tell_actual(struct vballoon_traditional_guest *guest)
{
	uint32_t held = (uint32_t)guest->decide.held;

	if (held == guest->actual)
		return;
	guest->actual = held;
	guest->config.ops->set_actual(guest->config.context, held);
}

static uint64_t serve(struct vballoon_guest_life *life)
{
	struct vballoon_traditional_guest *guest = guest_of(life);
	uint64_t wait_ms;

	vballoon_traditional_answers_poll(guest);
	if (life->state != VBALLOON_GUEST_RUNNING)
		return 0;
	vballoon_traditional_deflate_absorb(guest);
	look_at_target(guest);
	vballoon_traditional_deflate_wanted(guest);
	vballoon_traditional_report_step(guest);
	wait_ms = follow(guest);
	if (life->state != VBALLOON_GUEST_RUNNING)
		return 0;
	tell_actual(guest);
	if (vballoon_traditional_queues_settle(guest) && wait_ms > BUSY_MS)
		wait_ms = BUSY_MS;
	return wait_ms;
}

static const struct vballoon_guest_life_ops life_ops = { leave, return_next, start, begin, serve };

int vballoon_traditional_guest_init(void *storage,
				    const struct vballoon_traditional_guest_config *config,
				    struct vballoon_traditional_guest **guest_out)
{
	struct vballoon_traditional_guest *guest = storage;

	if (!storage || !vballoon_is_aligned((uintptr_t)storage, 4) || !is_complete(config))
		return -EINVAL;
	if (!(config->offered & GUEST_F_VERSION_1))
		return -ENODEV;
	*guest = (struct vballoon_traditional_guest){
		.life.ops = &life_ops,
		.config = *config,
		.shared = config->shared,
		.features = vballoon_guest_negotiate(config->offered, config->features, can,
						     sizeof(can) / sizeof(can[0]), config),
		.pool = {
			.ranges = config->ranges,
			.range_count = config->range_count,
			.unit_shift = config->unit_shift,
		},
	};
	*guest_out = guest;
	if (!vballoon_traditional_queues_find(guest))
		return -ENODEV;
	return vballoon_guest_ranges_clear(config->ranges, config->range_count, config->unit_shift);
}

void vballoon_traditional_fail(struct vballoon_traditional_guest *guest,
			       enum vballoon_guest_failure failure)
{
	vballoon_guest_life_fail(&guest->life, failure);
}

void vballoon_traditional_guest_start(struct vballoon_traditional_guest *guest)
{
	vballoon_guest_life_start(&guest->life);
}

void vballoon_traditional_guest_stop(struct vballoon_traditional_guest *guest)
{
	vballoon_guest_life_stop(&guest->life);
}

void vballoon_traditional_guest_restart(struct vballoon_traditional_guest *guest)
{
	vballoon_guest_life_restart(&guest->life);
}

void vballoon_traditional_guest_changed(struct vballoon_traditional_guest *guest)
{
	guest->changed = true;
}

uint64_t vballoon_traditional_guest_run(struct vballoon_traditional_guest *guest, uint64_t now_ms)
{
	return vballoon_guest_life_run(&guest->life, now_ms);
}

void vballoon_traditional_guest_status(const struct vballoon_traditional_guest *guest,
				       struct vballoon_traditional_guest_status *status_out)
{
	*status_out = (struct vballoon_traditional_guest_status){
		.state = guest->life.state,
		.failure = guest->life.failure,
		.features = guest->features,
		.target_pages = guest->decide.target,
		.held_pages = guest->decide.held,
		.returned_pages = guest->deflate.returned,
		.taken_pages = guest->taken_ever + taken_unseen(guest),
		.starts = guest->life.starts,
		.failures = guest->life.failures,
		.bad_pages = guest->bad_pages,
	};
}
