/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a driver. Whenever the device is reset, every page is the guest's again:
 * they are returned in bounded steps, and only then is it started again.
 */
#include <errno.h>

#include "driver/port/core.h"

/* A device that asks for resets again and again gets them this far apart. */
#define RESTART_MS 1000
/* Runs of pages that are returned in one step. */
#define RETURN_RUNS 64
/* Requests came as fast as they could be read: look again, but do not spin. */
#define BUSY_MS 1

/* virtio 1.3, 6 Reserved Feature Bits. */
#define F_VERSION_1 (UINT64_C(1) << 32)

/* INDIRECT_DESC buys nothing here; addresses are the guest's physical ones. */
#define RING_FEATURES (F_VERSION_1 | (VBALLOON_F_RING_ALL & ~VBALLOON_F_INDIRECT_DESC))

_Static_assert(sizeof(struct vballoon_guest) <= VBALLOON_GUEST_BYTES, "as told");

static bool can_always(const struct vballoon_guest_config *config, uint64_t features)
{
	(void)config;
	(void)features;
	return true;
}

static bool can_exchange(const struct vballoon_guest_config *config, uint64_t features)
{
	(void)features;
	return config->ops->exchanged;
}

static bool can_push(const struct vballoon_guest_config *config, uint64_t features)
{
	(void)features;
	return config->ops->stats;
}

/* Keeps DRV-REPORT-4, DRV-REPORT-5. */
static bool can_report(const struct vballoon_guest_config *config, uint64_t features)
{
	return config->ops->free_next && config->ops->free_done &&
	       features >> VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS & 1 &&
	       (!config->free_is_zero || features >> VIRTIO_MEMORY_BALLOON_F_ZEROED & 1);
}

/* By feature bit: whether it can be accepted, once the others are negotiated. */
static bool (*const can[])(const struct vballoon_guest_config *config, uint64_t features) = {
	[VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS] = can_always,
	[VIRTIO_MEMORY_BALLOON_F_EXCHANGE] = can_exchange,
	[VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON] = can_always,
	[VIRTIO_MEMORY_BALLOON_F_PUSH_STATS] = can_push,
	[VIRTIO_MEMORY_BALLOON_F_REPORTING] = can_report,
	[VIRTIO_MEMORY_BALLOON_F_ZEROED] = can_always,
};
#define FEATURE_COUNT (sizeof(can) / sizeof(can[0]))
#define FEATURES (RING_FEATURES | ((UINT64_C(1) << FEATURE_COUNT) - 1))

/* Keeps DRV-FEAT-2, DRV-FEAT-4, DRV-FEAT-6. */
static uint64_t negotiate(const struct vballoon_guest_config *config)
{
	uint64_t features = config->offered & FEATURES & (config->features | F_VERSION_1);

	for (unsigned int bit = 0; bit < FEATURE_COUNT; bit++) {
		if (!can[bit](config, features))
			features &= ~(UINT64_C(1) << bit);
	}
	return features;
}

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
	       config->page_shift <= config->unit_shift && config->offered & F_VERSION_1 &&
	       config->queue_size[FROMDEV] >= VBALLOON_GUEST_FROMDEV_MIN &&
	       config->queue_size[TODEV] >= VBALLOON_GUEST_TODEV_MIN;
}

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
		.features = negotiate(config),
	};
	guest->format = (struct vballoon_entry_format){
		.page_shift = config->page_shift,
		.unit_shift = config->unit_shift,
		.runs = guest->features & (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS),
	};
	units = GUEST_ADD_BYTES >> config->unit_shift;
	guest->add_units = units ? units : 1;
	*guest_out = guest;
	return vballoon_guest_pages_init(&guest->pages, config);
}

void vballoon_guest_give_back(struct vballoon_guest *guest, uint64_t gpa, uint64_t units,
			      enum vballoon_guest_cause cause)
{
	guest->config.ops->return_page(guest->config.context, vballoon_gpa(gpa), units, cause);
}

/* Reset the device: from here on every page is the guest's.
 * Keeps DRV-RESET-1, DRV-RESET-2, DRV-BAD-6. */
static void leave(struct vballoon_guest *guest, enum vballoon_guest_state state)
{
	bool was_running = guest->state == VBALLOON_GUEST_RUNNING;

	guest->state = state;
	if (!was_running)
		return;
	guest->config.ops->reset(guest->config.context);
	vballoon_guest_adds_recall(guest);
	vballoon_guest_exchange_recall(guest);
	vballoon_guest_report_recall(guest);
	vballoon_guest_pages_keep_all(&guest->pages);
	vballoon_decide_init(&guest->decide, guest->decide.unit_pages);
}

/* Keeps DRV-BAD-7. */
void vballoon_guest_fail(struct vballoon_guest *guest, enum vballoon_guest_failure failure)
{
	/* Whoever found it may go on to what fails for the same reason. */
	if (guest->state != VBALLOON_GUEST_RUNNING)
		return;
	guest->failure = failure;
	guest->failures++;
	leave(guest, VBALLOON_GUEST_FAILED);
}

void vballoon_guest_start(struct vballoon_guest *guest)
{
	if (guest->state != VBALLOON_GUEST_RUNNING)
		guest->state = VBALLOON_GUEST_RESTARTING;
}

/* Keeps DRV-RESET-3, DRV-RESET-4. */
void vballoon_guest_stop(struct vballoon_guest *guest)
{
	leave(guest, VBALLOON_GUEST_STOPPED);
}

void vballoon_guest_restart(struct vballoon_guest *guest)
{
	if (guest->state == VBALLOON_GUEST_RUNNING)
		leave(guest, VBALLOON_GUEST_RESTARTING);
}

/* Return some of what is kept. True: more is left. */
static bool return_kept(struct vballoon_guest *guest)
{
	for (unsigned int i = 0; i < RETURN_RUNS; i++) {
		uint64_t gpa,
			units = vballoon_guest_pages_next_kept(&guest->pages, UINT64_MAX, &gpa);

		if (!units)
			return false;
		vballoon_guest_give_back(guest, gpa, units, VBALLOON_GUEST_TAKEN_BACK);
	}
	return true;
}

/* The first steps of a life: nothing is in the balloon, nothing in flight.
 * Keeps DRV-CONF-5, DRV-HELLO-1, DRV-REQ-5, DRV-PUSH-5. */
static void start(struct vballoon_guest *guest)
{
	const struct vballoon_guest_ops *ops = guest->config.ops;
	struct vballoon_queue queues[VIRTIO_MEMORY_BALLOON_VQ_COUNT];

	guest->restart_ms = guest->now_ms + RESTART_MS;
	guest->starts++;
	ops->reset(guest->config.context);
	vballoon_guest_queues_prepare(guest, queues);
	vballoon_decide_init(&guest->decide, vballoon_guest_units_to_pages(guest, 1));
	guest->withdraw = (struct vballoon_guest_withdraw){ .returned = guest->withdraw.returned };
	guest->stats = (struct vballoon_guest_stats){ 0 };
	guest->state = VBALLOON_GUEST_RUNNING;
	if (ops->start(guest->config.context, guest->features, queues)) {
		vballoon_guest_fail(guest, VBALLOON_GUEST_CANNOT_START);
		return;
	}
	vballoon_guest_queues_post(guest);
	vballoon_guest_hello_start(guest);
}

/* While the device is reset: how long the next step can wait.
 * Keeps DRV-REQ-12. */
static uint64_t recover(struct vballoon_guest *guest)
{
	if (return_kept(guest))
		return 0;
	if (guest->state != VBALLOON_GUEST_RESTARTING)
		return VBALLOON_GUEST_FOREVER;
	if (guest->now_ms < guest->restart_ms)
		return guest->restart_ms - guest->now_ms;
	start(guest);
	return guest->state == VBALLOON_GUEST_RUNNING ? VBALLOON_GUEST_FOREVER : 0;
}

/* Pages that were kept for a target that has gone down meanwhile. */
static bool is_surplus(const struct vballoon_guest *guest)
{
	const struct vballoon_decide *decide = &guest->decide;

	return vballoon_guest_pages_any_kept(&guest->pages) && decide->greeted &&
	       decide->held + decide->adding + decide->unit_pages > decide->target;
}

/* One step towards the target: how long the next can wait.
 * Keeps DRV-REQ-7, DRV-REQ-8, DRV-REQ-9. */
static uint64_t follow(struct vballoon_guest *guest)
{
	struct vballoon_decision next;

	if (is_surplus(guest) && return_kept(guest))
		return 0;
	next = vballoon_decide_next(&guest->decide, guest->now_ms);
	if (next.action == VBALLOON_DECIDE_ADD)
		return vballoon_guest_add_send(guest, next.pages) ? 0 : VBALLOON_GUEST_FOREVER;
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
static uint64_t serve(struct vballoon_guest *guest)
{
	uint64_t wait_ms;
	bool busy;

	/* Answers first: they make room for what a request wants. */
	vballoon_guest_answers_poll(guest);
	busy = vballoon_guest_requests_poll(guest);
	if (guest->state != VBALLOON_GUEST_RUNNING)
		return 0;
	wait_ms = step(guest);
	if (guest->state != VBALLOON_GUEST_RUNNING)
		return 0;
	if ((vballoon_guest_queues_settle(guest) || busy) && wait_ms > BUSY_MS)
		wait_ms = BUSY_MS;
	return wait_ms;
}

uint64_t vballoon_guest_run(struct vballoon_guest *guest, uint64_t now_ms)
{
	uint64_t wait_ms = 0;

	if (guest->inside)
		return VBALLOON_GUEST_FOREVER;
	guest->inside = true;
	guest->now_ms = now_ms;
	if (guest->state != VBALLOON_GUEST_RUNNING)
		wait_ms = recover(guest);
	if (guest->state == VBALLOON_GUEST_RUNNING)
		wait_ms = serve(guest);
	guest->inside = false;
	return wait_ms;
}
