// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

#include "daemon/guest_parts.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/lookout.h"
#include "daemon/pair.h"
#include "supervisor/relay.h"

#define PROC "/proc"

void vballoon_guest_init(struct vballoon_guest *guest, struct vballoon_loop *loop,
			 const struct vballoon_settings *settings)
{
	memset(guest, 0, sizeof(*guest));
	vballoon_pressure_init(&guest->pressure, loop, vballoon_guest_feel_pressure, guest);
	guest->rules = settings->rules;
	guest->next_fd = -1;
	guest->loop = loop;
	guest->device_id = settings->device_id;
	guest->page_shift = settings->page_shift;
	guest->features = settings->features;
	guest->stats_period_ms = settings->stats_period_ms;
	vballoon_interlock_init(&guest->interlock, PROC, settings->passthrough);
	guest->start_empty = settings->start_empty;
}

void vballoon_guest_init_traditional(struct vballoon_guest *guest, struct vballoon_loop *loop,
				     const struct vballoon_settings *settings)
{
	vballoon_guest_init(guest, loop, settings);
	guest->device_id = VIRTIO_BALLOON_ID;
	guest->features = settings->traditional_features;
}

int vballoon_guest_load(struct vballoon_guest *guest, const char *path)
{
	struct vballoon_saved_state state = { .bytes = NULL };
	struct vballoon_feature_set here;
	struct vballoon_saved_info info;
	struct vballoon_view view;

	if (vballoon_saved_state_read(&state, path, &info))
		return -1;
	/* Of a pair, the one whose state it is. */
	if (guest->other && guest->other->device_id == info.features.device_id)
		guest = guest->other;
	vballoon_guest_view(guest, &view);
	here = vballoon_view_features(&view);
	if (vballoon_saved_state_check(&info, path, &here)) {
		vballoon_saved_state_free(&state);
		return -1;
	}
	guest->to_load = state;
	vballoon_pair_begin_with(guest);
	return 0;
}

bool vballoon_guest_is_connected(const struct vballoon_guest *guest)
{
	return guest->back_end;
}

/* The front end has gone, and what was its. */
static void leave(struct vballoon_guest *guest)
{
	vballoon_loop_remove(guest->loop, &guest->source);
	vballoon_pair_disconnect(guest);
	vballoon_vhost_user_free(guest->back_end);
	vballoon_keeper_forget(VBALLOON_KEPT_FRONT_END);
	guest->back_end = NULL;
	vballoon_interlock_end(&guest->interlock);
	guest->work_left = false;
	guest->hellos = 0;
	guest->round.id = 0;
	guest->reports = 0;
	guest->loads = 0;
	/* What is still to be loaded is older than an order, whoever it is loaded for. */
	guest->ordered = guest->ordered && guest->to_load.bytes;
	vballoon_guest_keep_orders(guest);
	vballoon_saved_state_free(&guest->saved);
}

void vballoon_guest_deinit(struct vballoon_guest *guest)
{
	if (guest->back_end)
		leave(guest);
	vballoon_saved_state_free(&guest->to_load);
	vballoon_orders_end(guest->orders);
}

/* Nothing is dropped unless it is known that no device is passed through. Whatever
 * waits for the end of this is work then. */
void vballoon_guest_inhibit(struct vballoon_guest *guest)
{
	vballoon_device_inhibit(vballoon_vhost_user_device(guest->back_end),
				!vballoon_interlock_is_open(&guest->interlock));
	guest->work_left = true;
}

/* The driver has begun anew. */
static void log_hello(uint32_t device_id, const struct vballoon_rules *rules,
		      const struct vballoon_status *now)
{
	vballoon_log(LOG_INFO,
		     "the guest's driver %s: epoch %016" PRIx64 ", %" PRIu64 " balloon pages held",
		     device_id == VIRTIO_MEMORY_BALLOON_ID ? "said HELLO" : "has begun", now->epoch,
		     now->held_pages);
	if (now->target_pages > now->memory_pages)
		vballoon_log(LOG_WARNING,
			     "the target of %" PRIu64 " balloon pages is more than the guest's "
			     "memory, %" PRIu64 ": set a smaller one",
			     now->target_pages, now->memory_pages);
	if (vballoon_policy_check(&rules->policy, now->page_shift,
				  now->memory_pages << now->page_shift) ==
	    VBALLOON_POLICY_FLOOR_HIGH)
		vballoon_log(LOG_WARNING, "policy: %s",
			     vballoon_policy_fault_text(VBALLOON_POLICY_FLOOR_HIGH));
}

/* The device goes on with a saved state, whoever has brought it: its orders are the guest's
 * now, unless there was one since. */
static void take_loaded(struct vballoon_guest *guest, const struct vballoon_status *now)
{
	vballoon_log(LOG_NOTICE,
		     "a saved state was loaded: %" PRIu64
		     " balloon pages are held, to be proven by the guest",
		     now->held_pages);
	vballoon_saved_state_free(&guest->to_load);
	guest->period_ordered |= guest->stats_period_ms != now->stats_period_ms;
	guest->stats_period_ms = now->stats_period_ms;
	/* Of a pair only the device that had the target was asked for anything. */
	if (now->target_pages)
		vballoon_pair_begin_with(guest);
	if (!guest->ordered && vballoon_pair_is_served(guest)) {
		guest->target_pages = now->target_pages;
		/* It was another target's. */
		guest->deadline.state = VBALLOON_DEADLINE_NONE;
	} else if (guest->ordered &&
		   vballoon_device_set_target(vballoon_vhost_user_device(guest->back_end),
					      vballoon_pair_share(guest)))
		vballoon_log(LOG_WARNING, "the target is more than the guest's memory");
	if (guest->other) {
		guest->other->target_pages = guest->target_pages;
		guest->other->deadline = guest->deadline;
	}
	vballoon_guest_keep_orders(guest);
}

/* See what has changed in the device. That it has stopped the back end tells. */
static void observe(struct vballoon_guest *guest)
{
	struct vballoon_status now;

	vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &now);
	if (now.loads != guest->loads)
		take_loaded(guest, &now);
	/* It was this front end's, whose queues have started without. */
	if (guest->to_load.bytes && (now.queue_running[0] || now.queue_running[1]))
		vballoon_saved_state_free(&guest->to_load);
	guest->loads = now.loads;
	if (now.hellos != guest->hellos)
		log_hello(guest->device_id, &guest->rules, &now);
	if (now.stats.reports != guest->reports)
		guest->reported_ms = vballoon_loop_now_ms();
	guest->hellos = now.hellos;
	guest->reports = now.stats.reports;
}

static void log_passthrough(const struct vballoon_passthrough *now)
{
	if (now->state == VBALLOON_PASSTHROUGH_ABSENT)
		vballoon_log(LOG_NOTICE, "no device is passed through to the guest: its memory is "
					 "given back to the host");
	else
		vballoon_log(LOG_WARNING, "nothing is given back to the host: %s", now->text);
}

typedef bool looker(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms);

static void look_by(struct vballoon_guest *guest, looker *look)
{
	struct vballoon_interlock *interlock = &guest->interlock;
	bool first = !interlock->looked_ms;
	pid_t peer = vballoon_vhost_user_peer(guest->back_end);

	if (peer < 0 || !look(interlock, peer, vballoon_loop_now_ms()))
		return;
	if (!first || !vballoon_interlock_is_open(interlock))
		log_passthrough(&interlock->known);
	vballoon_guest_inhibit(guest);
}

void vballoon_guest_look(struct vballoon_guest *guest)
{
	if (guest->back_end)
		look_by(guest, vballoon_lookout_look);
}

void vballoon_guest_serve(struct vballoon_guest *guest, vballoon_guest_server *how)
{
	uint64_t now_ms = vballoon_loop_now_ms();
	int result;

	/* What is about to be dropped must not be pinned. */
	look_by(guest, vballoon_lookout_check);
	vballoon_device_set_time(vballoon_vhost_user_device(guest->back_end), now_ms);
	result = how(guest->back_end);
	/* The front end may be there still, and somebody go on with it. */
	if (result == -EPIPE)
		_exit(VBALLOON_WORKER_LOST);
	observe(guest);
	guest->work_left = result > 0;
	if (result >= 0)
		return;
	vballoon_log(*vballoon_vhost_user_reason(guest->back_end) ? LOG_WARNING : LOG_INFO,
		     "the front end has gone%s%s",
		     *vballoon_vhost_user_reason(guest->back_end) ? ": " : "",
		     vballoon_vhost_user_reason(guest->back_end));
	leave(guest);
}

void vballoon_guest_ready(void *context, uint32_t events)
{
	(void)events;
	vballoon_guest_serve(context, vballoon_vhost_user_process);
}

static uint64_t device_due_ms(const struct vballoon_guest *guest)
{
	if (!guest->back_end)
		return VBALLOON_NEVER;
	return vballoon_device_due_ms(vballoon_vhost_user_device(guest->back_end));
}

void vballoon_guest_work(struct vballoon_guest *guest)
{
	uint64_t now_ms = vballoon_loop_now_ms();

	vballoon_guest_settle_next(guest, now_ms);
	/* If there is something to hear, the loop has just told so, or tells it next. */
	if (guest->work_left || now_ms >= device_due_ms(guest))
		vballoon_guest_serve(guest, vballoon_vhost_user_work);
	vballoon_guest_look_at_deadline(guest, now_ms);
	if (guest->pressure.state == VBALLOON_PRESSURE_LOOKS)
		vballoon_pressure_look(&guest->pressure, now_ms, vballoon_guest_warm_pages(guest));
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t vballoon_guest_due_ms(const struct vballoon_guest *guest)
{
	uint64_t due_ms = device_due_ms(guest);

	if (guest->work_left)
		return 0;
	if (vballoon_pair_is_served(guest))
		due_ms = sooner(due_ms, vballoon_deadline_due_ms(&guest->deadline));
	if (guest->next_fd >= 0)
		due_ms = guest->back_end ? sooner(due_ms, guest->next_until_ms) : 0;
	if (guest->pressure.state == VBALLOON_PRESSURE_LOOKS)
		due_ms = sooner(due_ms, vballoon_pressure_due_ms(&guest->pressure,
								 vballoon_guest_warm_pages(guest)));
	return due_ms;
}
