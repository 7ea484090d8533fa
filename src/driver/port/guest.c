/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver as a whole: what it is made of, what it does in one step. */
#include <errno.h>

#include "driver/port/core.h"

/* Requests came as fast as they could be read: look again, but do not spin. */
#define BUSY_MS 1

_Static_assert(offsetof(struct vballoon_guest, life) == 0, "guest_of() relies on it");
_Static_assert(sizeof(struct vballoon_guest) <= VBALLOON_GUEST_BYTES, "as told");

static bool can_always(const void *config, uint64_t features)
{
	(void)config;
	(void)features;
	return true;
}

static bool can_exchange(const void *config, uint64_t features)
{
	const struct vballoon_guest_config *guest = config;

	(void)features;
	return guest->ops->exchanged;
}

static bool can_push(const void *config, uint64_t features)
{
	const struct vballoon_guest_config *guest = config;

	(void)features;
	return guest->ops->stats;
}

/* Keeps DRV-REPORT-4, DRV-REPORT-5. */
static bool can_report(const void *config, uint64_t features)
{
	const struct vballoon_guest_config *guest = config;

	return guest->ops->free_next && guest->ops->free_done &&
	       features >> VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS & 1 &&
	       (!guest->free_is_zero || features >> VIRTIO_MEMORY_BALLOON_F_ZEROED & 1);
}

static const vballoon_guest_can can[] = {
	[VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS] = can_always,
	[VIRTIO_MEMORY_BALLOON_F_EXCHANGE] = can_exchange,
	[VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON] = can_always,
	[VIRTIO_MEMORY_BALLOON_F_PUSH_STATS] = can_push,
	[VIRTIO_MEMORY_BALLOON_F_REPORTING] = can_report,
	[VIRTIO_MEMORY_BALLOON_F_ZEROED] = can_always,
};

static bool is_complete(const struct vballoon_guest_config *config)
{
	const struct vballoon_guest_ops *ops = config->ops;

	return ops && ops->get_page && ops->return_page && ops->reset && ops->start &&
	       ops->notify && ops->random64 && config->shared && config->ranges &&
	       config->range_count && vballoon_is_aligned((uintptr_t)config->shared, 4) &&
	       vballoon_is_aligned(config->shared_gpa.value, 4) &&
	       config->unit_shift >= VIRTIO_MEMORY_BALLOON_SHIFT_MIN &&
	       config->unit_shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX;
}

/* Keeps DRV-CONF-1, DRV-CONF-2, DRV-FEAT-1. */
static bool is_usable(const struct vballoon_guest_config *config)
{
	return config->revision == VIRTIO_MEMORY_BALLOON_REVISION &&
	       config->page_shift >= VIRTIO_MEMORY_BALLOON_SHIFT_MIN &&
	       config->page_shift <= config->unit_shift && config->offered & GUEST_F_VERSION_1 &&
	       config->queue_size[FROMDEV] >= VBALLOON_GUEST_FROMDEV_MIN &&
	       config->queue_size[TODEV] >= VBALLOON_GUEST_TODEV_MIN;
}

void vballoon_guest_give_back(struct vballoon_guest *guest, uint64_t gpa, uint64_t units,
			      enum vballoon_guest_cause cause)
{
	if (cause != VBALLOON_GUEST_REFUSED)
		guest->returned += vballoon_guest_units_to_pages(guest, units);
	guest->config.ops->return_page(guest->config.context, vballoon_gpa(gpa), units, cause);
}

static struct vballoon_guest *guest_of(struct vballoon_guest_life *life)
{
	return (struct vballoon_guest *)(void *)life;
}

/* Keeps DRV-RESET-1, DRV-RESET-2, DRV-BAD-6. */
static void leave(struct vballoon_guest_life *life)
{
	struct vballoon_guest *guest = guest_of(life);

	guest->config.ops->reset(guest->config.context);
	vballoon_guest_adds_recall(guest);
	vballoon_guest_exchange_recall(guest);
	vballoon_guest_report_recall(guest);
	vballoon_guest_pages_keep_all(&guest->pages);
	vballoon_decide_init(&guest->decide, guest->decide.unit_pages);
}

static uint64_t return_next(struct vballoon_guest_life *life, uint64_t most)
{
	struct vballoon_guest *guest = guest_of(life);
	uint64_t gpa, units = vballoon_guest_pages_next_kept(&guest->pages, most, &gpa);

	if (units)
		vballoon_guest_give_back(guest, gpa, units, VBALLOON_GUEST_TAKEN_BACK);
	return units;
}

/* Keeps DRV-REQ-5, DRV-PUSH-5. */
static int start(struct vballoon_guest_life *life)
{
	struct vballoon_guest *guest = guest_of(life);
	const struct vballoon_guest_ops *ops = guest->config.ops;
	struct vballoon_queue queues[VIRTIO_MEMORY_BALLOON_VQ_COUNT];

	ops->reset(guest->config.context);
	vballoon_guest_queues_prepare(guest, queues);
	vballoon_decide_init(&guest->decide, vballoon_guest_units_to_pages(guest, 1));
	guest->withdraw = (struct vballoon_guest_withdraw){ 0 };
	guest->stats = (struct vballoon_guest_stats){ 0 };
	return ops->start(guest->config.context, guest->features, queues);
}

static void begin(struct vballoon_guest_life *life)
{
	vballoon_guest_queues_post(guest_of(life));
	vballoon_guest_hello_start(guest_of(life));
}

/* One step towards the target: how long the next can wait.
 * Keeps DRV-REQ-7, DRV-REQ-8, DRV-REQ-9. */
static uint64_t follow(struct vballoon_guest *guest)
{
	struct vballoon_decision next = vballoon_decide_next(&guest->decide, guest->life.now_ms);

	if (next.action == VBALLOON_DECIDE_ADD)
		return vballoon_guest_add_send(guest, next.pages) ? 0 : VBALLOON_GUEST_FOREVER;
	/* What was kept to be added again, and is not now, is of no use here. */
	if (vballoon_guest_life_return_kept(&guest->life))
		return 0;
	if (next.action == VBALLOON_DECIDE_WITHDRAW)
		vballoon_guest_withdraw_send(guest, next.pages,
					     VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET);
	return next.action == VBALLOON_DECIDE_IDLE ? next.wait_ms : VBALLOON_GUEST_FOREVER;
}

/* Say what there is to say: how long the next can wait.
 * Keeps DRV-HELLO-6. */
static uint64_t step(struct vballoon_guest *guest)
{
	uint64_t stats_ms, follow_ms;

	if (guest->hello.due && !guest->in_flight_count)
		vballoon_guest_hello_send(guest);
	if (!vballoon_guest_may_send(guest))
		return VBALLOON_GUEST_FOREVER;
	stats_ms = vballoon_guest_stats_step(guest);
	vballoon_guest_withdraw_wanted(guest);
	vballoon_guest_report_step(guest);
	follow_ms = follow(guest);
	return stats_ms < follow_ms ? stats_ms : follow_ms;
}

/* Look after the device that runs.
 * Keeps DRV-BAD-9. */
static uint64_t serve(struct vballoon_guest_life *life)
{
	struct vballoon_guest *guest = guest_of(life);
	uint64_t wait_ms;
	bool busy;

	/* Answers first: they make room for what a request wants. */
	vballoon_guest_answers_poll(guest);
	busy = vballoon_guest_requests_poll(guest);
	if (guest->life.state != VBALLOON_GUEST_RUNNING)
		return 0;
	wait_ms = step(guest);
	if (guest->life.state != VBALLOON_GUEST_RUNNING)
		return 0;
	if ((vballoon_guest_queues_settle(guest) || busy) && wait_ms > BUSY_MS)
		wait_ms = BUSY_MS;
	return wait_ms;
}

static const struct vballoon_guest_life_ops life_ops = { leave, return_next, start, begin, serve };

int vballoon_guest_init(void *storage, const struct vballoon_guest_config *config,
			struct vballoon_guest **guest_out)
{
	struct vballoon_guest *guest = storage;
	uint64_t units;

	if (!storage || !vballoon_is_aligned((uintptr_t)storage, 4) || !is_complete(config))
		return -EINVAL;
	if (!is_usable(config))
		return -ENODEV;
	*guest = (struct vballoon_guest){
		.config = *config,
		.shared = config->shared,
		.life.ops = &life_ops,
		.features = vballoon_guest_negotiate(config->offered, config->features, can,
						     sizeof(can) / sizeof(can[0]), config),
	};
	guest->format = (struct vballoon_entry_format){
		.page_shift = config->page_shift,
		.unit_shift = config->unit_shift,
		.runs = guest->features & (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS),
	};
	units = GUEST_ADD_BYTES >> config->unit_shift;
	guest->add_units = units ? units : 1;
	*guest_out = guest;
	return vballoon_guest_pages_init(&guest->pages, config->ranges, config->range_count,
					 config->unit_shift);
}

void vballoon_guest_fail(struct vballoon_guest *guest, enum vballoon_guest_failure failure)
{
	vballoon_guest_life_fail(&guest->life, failure);
}

void vballoon_guest_start(struct vballoon_guest *guest)
{
	vballoon_guest_life_start(&guest->life);
}

void vballoon_guest_stop(struct vballoon_guest *guest)
{
	vballoon_guest_life_stop(&guest->life);
}

void vballoon_guest_restart(struct vballoon_guest *guest)
{
	vballoon_guest_life_restart(&guest->life);
}

uint64_t vballoon_guest_run(struct vballoon_guest *guest, uint64_t now_ms)
{
	return vballoon_guest_life_run(&guest->life, now_ms);
}
