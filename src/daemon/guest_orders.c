// SPDX-License-Identifier: BSD-3-Clause
/* What the operator orders of a guest, and when an order ends. */
#include <errno.h>
#include <inttypes.h>

#include "daemon/guest_parts.h"
#include "daemon/log.h"
#include "daemon/pair.h"

uint64_t vballoon_guest_warm_pages(const struct vballoon_guest *guest)
{
	struct vballoon_status status;

	if (!guest->back_end)
		return 0;
	vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &status);
	return status.kept_pages[VBALLOON_KEEP_WARM];
}

void vballoon_guest_feel_pressure(void *context)
{
	struct vballoon_guest *guest = context;
	uint64_t pages = vballoon_guest_warm_pages(guest);

	if (!pages)
		return;
	vballoon_log(LOG_NOTICE,
		     "the host is short of memory: %" PRIu64 " warm balloon pages are given back",
		     pages);
	vballoon_guest_drop(guest);
}

/* Warm pages are what there is to be done about pressure. */
static void watch_pressure(struct vballoon_guest *guest)
{
	bool warm = guest->rules.policy.pages == VBALLOON_PAGES_WARM;

	vballoon_pressure_listen(&guest->pressure, warm ? guest->rules.host_pressure_percent : 0);
}

void vballoon_guest_keep_orders(const struct vballoon_guest *guest)
{
	const struct vballoon_orders orders = {
		.target_pages = guest->target_pages,
		.ordered = guest->ordered,
		.has_period = guest->period_ordered,
		.has_rules = guest->rules_ordered,
		.stats_period_ms = guest->stats_period_ms,
		.deadline = guest->deadline,
		.rules = guest->rules,
	};

	vballoon_orders_keep(guest->orders, &orders);
}

/* To be ordered about: a pace begins with the order, not with when the device last ran. */
static struct vballoon_device *device_now(const struct vballoon_guest *guest)
{
	struct vballoon_device *device = vballoon_vhost_user_device(guest->back_end);

	vballoon_device_set_time(device, vballoon_loop_now_ms());
	return device;
}

static int set_target(struct vballoon_guest *guest, uint64_t pages)
{
	uint64_t before = guest->target_pages;
	int err = 0;

	if (vballoon_pair_exceeds(guest, pages))
		return -ERANGE;
	guest->target_pages = pages;
	if (guest->back_end)
		err = vballoon_device_set_target(device_now(guest), vballoon_pair_share(guest));
	if (err) {
		guest->target_pages = before;
		return err;
	}
	guest->ordered = true;
	vballoon_guest_keep_orders(guest);
	guest->work_left = guest->back_end;
	return 0;
}

/* A deadline has passed. Returns why @target_inout is the target from now on. */
static const char *ruling(const struct vballoon_guest *guest, enum vballoon_record record,
			  uint64_t *target_inout)
{
	if (guest->deadline.reverts)
		return "the one before";
	if (record != VBALLOON_RECORD_NONE)
		return "what was reached";
	*target_inout = guest->target_pages;
	return "as it was: there is no driver, and the next one is still to hear of it";
}

/* An order is for both devices of a machine. */
static void tell_other(struct vballoon_guest *guest)
{
	if (!guest->other)
		return;
	guest->other->target_pages = guest->target_pages;
	guest->other->deadline = guest->deadline;
	guest->other->ordered |= guest->ordered;
}

/* An order was not carried out in time. */
static void end_order(struct vballoon_guest *guest, const struct vballoon_status *status,
		      uint64_t target)
{
	const char *why = ruling(guest, status->record, &target);
	bool ordered = guest->ordered;

	vballoon_log(LOG_NOTICE,
		     "the deadline has passed with %" PRIu64 " balloon pages of %" PRIu64
		     ": the target is %" PRIu64 " now, %s",
		     status->balloon_pages, guest->target_pages, target, why);
	/* Memory may have been unplugged since the target before was set. */
	if (set_target(guest, target))
		vballoon_log(LOG_WARNING, "that is more than the guest's memory: the target stays");
	/* It is as old as the order: what a guest brings that has been away since is newer. */
	guest->ordered = ordered;
	tell_other(guest);
}

void vballoon_guest_look_at_deadline(struct vballoon_guest *guest, uint64_t now_ms)
{
	struct vballoon_status status = { .record = VBALLOON_RECORD_NONE };
	uint64_t target = 0;
	bool passed;

	if (guest->deadline.state != VBALLOON_DEADLINE_RUNNING || !vballoon_pair_is_served(guest))
		return;
	if (guest->back_end)
		vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &status);
	passed = vballoon_deadline_look(&guest->deadline, now_ms, guest->target_pages,
					status.balloon_pages + vballoon_pair_other_held(guest),
					&target);
	if (guest->deadline.state == VBALLOON_DEADLINE_RUNNING)
		return;
	if (passed)
		end_order(guest, &status, target);
	/* One that was met would pass in vain later, for the next worker and for the device that
	 * has the target next. */
	vballoon_guest_keep_orders(guest);
	if (guest->other)
		guest->other->deadline = guest->deadline;
}

int vballoon_guest_set_target(struct vballoon_guest *guest, uint64_t pages)
{
	int err = set_target(guest, pages);

	if (err)
		return err;
	guest->deadline.state = VBALLOON_DEADLINE_NONE;
	vballoon_guest_keep_orders(guest);
	tell_other(guest);
	return 0;
}

int vballoon_guest_set_target_within(struct vballoon_guest *guest, uint64_t pages,
				     uint64_t within_ms, bool reverts)
{
	struct vballoon_deadline deadline;
	int err = vballoon_deadline_begin(&deadline, vballoon_loop_now_ms(), within_ms, reverts,
					  guest->target_pages);

	if (!err)
		err = set_target(guest, pages);
	if (err)
		return err;
	guest->deadline = deadline;
	vballoon_guest_keep_orders(guest);
	tell_other(guest);
	return 0;
}

static void apply_rules(struct vballoon_guest *guest, const struct vballoon_rules *rules)
{
	guest->rules = *rules;
	vballoon_guest_keep_orders(guest);
	watch_pressure(guest);
	if (!guest->back_end)
		return;
	vballoon_device_set_policy(device_now(guest), &rules->policy);
	guest->work_left = true;
}

void vballoon_guest_begin_rules(struct vballoon_guest *guest)
{
	apply_rules(guest, &guest->rules);
	if (guest->other)
		apply_rules(guest->other, &guest->rules);
}

enum vballoon_policy_fault vballoon_guest_set_rules(struct vballoon_guest *guest,
						    const struct vballoon_rules *rules)
{
	enum vballoon_policy_fault fault;
	struct vballoon_view view;

	vballoon_guest_view(guest, &view);
	fault = vballoon_policy_check(&rules->policy, guest->page_shift,
				      vballoon_view_bytes(&view, view.device.memory_pages));
	if (fault)
		return fault;
	guest->rules = *rules;
	guest->rules_ordered = true;
	vballoon_guest_begin_rules(guest);
	return fault;
}

void vballoon_guest_drop(struct vballoon_guest *guest)
{
	vballoon_device_drop_now(vballoon_vhost_user_device(guest->back_end));
	guest->work_left = true;
}

static void apply_stats_period(struct vballoon_guest *guest, uint32_t period_ms)
{
	guest->stats_period_ms = period_ms;
	vballoon_guest_keep_orders(guest);
	if (!guest->back_end)
		return;
	vballoon_device_set_stats_period(vballoon_vhost_user_device(guest->back_end), period_ms);
	guest->work_left = true;
}

void vballoon_guest_set_stats_period(struct vballoon_guest *guest, uint32_t period_ms)
{
	guest->period_ordered = true;
	apply_stats_period(guest, period_ms);
	if (guest->other)
		apply_stats_period(guest->other, period_ms);
}

int vballoon_guest_begin_round(struct vballoon_guest *guest)
{
	struct vballoon_device *device = vballoon_vhost_user_device(guest->back_end);
	struct vballoon_status now;
	uint64_t id;
	int err = vballoon_device_request_report(device, &id);

	if (err)
		return err;
	vballoon_device_status(device, &now);
	guest->round = (struct vballoon_round){ id, now.reported_pages, now.discarded_pages };
	guest->work_left = true;
	return 0;
}

void vballoon_guest_request_stats(struct vballoon_guest *guest)
{
	vballoon_device_request_stats(vballoon_vhost_user_device(guest->back_end));
	guest->work_left = true;
}

void vballoon_guest_restart(struct vballoon_guest *guest)
{
	vballoon_device_restart(vballoon_vhost_user_device(guest->back_end));
	guest->work_left = true;
}
