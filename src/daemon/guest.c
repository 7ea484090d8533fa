// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

#include "daemon/guest.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/lookout.h"
#include "daemon/pair.h"
#include "supervisor/relay.h"

#define PROC "/proc"
/* How long a front end may take to go, through the supervisor, when the next one has come. */
#define LEAVE_MS 200

static uint64_t warm_pages(const struct vballoon_guest *guest)
{
	struct vballoon_status status;

	if (!guest->back_end)
		return 0;
	vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &status);
	return status.kept_pages[VBALLOON_KEEP_WARM];
}

static void feel_pressure(void *context)
{
	struct vballoon_guest *guest = context;
	uint64_t pages = warm_pages(guest);

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

void vballoon_guest_init(struct vballoon_guest *guest, struct vballoon_loop *loop,
			 const struct vballoon_settings *settings)
{
	memset(guest, 0, sizeof(*guest));
	vballoon_pressure_init(&guest->pressure, loop, feel_pressure, guest);
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
	struct vballoon_feature_set here;
	struct vballoon_view view;

	vballoon_guest_view(guest, &view);
	here = vballoon_view_features(&view);
	return vballoon_saved_state_read(&guest->to_load, path, &here);
}

/* To be called after each order, before whoever gave it is answered. */
static void keep_orders(const struct vballoon_guest *guest)
{
	const struct vballoon_orders orders = {
		.target_pages = guest->target_pages,
		.ordered = guest->ordered,
		.stats_period_ms = guest->stats_period_ms,
		.deadline = guest->deadline,
		.rules = guest->rules,
	};

	vballoon_orders_keep(guest->orders, &orders);
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
	guest->ordered = false;
	keep_orders(guest);
	vballoon_saved_state_free(&guest->saved);
}

void vballoon_guest_deinit(struct vballoon_guest *guest)
{
	if (guest->back_end)
		leave(guest);
	vballoon_saved_state_free(&guest->to_load);
	vballoon_orders_end(guest->orders);
}

static void log_line(void *context, int priority, const char *text)
{
	(void)context;
	vballoon_log(priority, "%s", text);
}

/* Nothing is dropped unless it is known that no device is passed through. Whatever
 * waits for the end of this is work then. */
static void inhibit(struct vballoon_guest *guest)
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
	guest->stats_period_ms = now->stats_period_ms;
	if (!guest->ordered)
		guest->target_pages = now->target_pages;
	else if (vballoon_device_set_target(vballoon_vhost_user_device(guest->back_end),
					    guest->target_pages))
		vballoon_log(LOG_WARNING, "the target is more than the guest's memory");
	if (guest->other)
		guest->other->target_pages = guest->target_pages;
	keep_orders(guest);
}

/* See what has changed in the device. That it has stopped the back end tells. */
static void observe(struct vballoon_guest *guest)
{
	struct vballoon_status now;

	vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &now);
	if (now.loads != guest->loads)
		take_loaded(guest, &now);
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
	inhibit(guest);
}

void vballoon_guest_look(struct vballoon_guest *guest)
{
	if (guest->back_end)
		look_by(guest, vballoon_lookout_look);
}

typedef int server(struct vballoon_vhost_user *back_end);

static void serve(struct vballoon_guest *guest, server *how)
{
	uint64_t now_ms = vballoon_loop_now_ms();
	int result;

	/* What is about to be dropped must not be pinned. */
	look_by(guest, vballoon_lookout_check);
	vballoon_device_set_time(vballoon_vhost_user_device(guest->back_end), now_ms);
	result = how(guest->back_end);
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

static void ready(void *context, uint32_t events)
{
	(void)events;
	serve(context, vballoon_vhost_user_process);
}

static uint64_t device_due_ms(const struct vballoon_guest *guest)
{
	if (!guest->back_end)
		return VBALLOON_NEVER;
	return vballoon_device_due_ms(vballoon_vhost_user_device(guest->back_end));
}

static int set_target(struct vballoon_guest *guest, uint64_t pages)
{
	uint64_t before = guest->target_pages;
	int err = 0;

	if (vballoon_pair_exceeds(guest, pages))
		return -ERANGE;
	guest->target_pages = pages;
	if (guest->back_end)
		err = vballoon_device_set_target(vballoon_vhost_user_device(guest->back_end),
						 vballoon_pair_share(guest));
	if (err) {
		guest->target_pages = before;
		return err;
	}
	guest->ordered = true;
	keep_orders(guest);
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
	guest->other->ordered = true;
}

static void look_at_deadline(struct vballoon_guest *guest, uint64_t now_ms)
{
	struct vballoon_status status = { .record = VBALLOON_RECORD_NONE };
	const char *why;
	uint64_t target;

	if (guest->deadline.state != VBALLOON_DEADLINE_RUNNING || !vballoon_pair_is_served(guest))
		return;
	if (guest->back_end)
		vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &status);
	if (!vballoon_deadline_look(&guest->deadline, now_ms, guest->target_pages,
				    status.held_pages + vballoon_pair_other_held(guest), &target))
		return;
	why = ruling(guest, status.record, &target);
	vballoon_log(LOG_NOTICE,
		     "the deadline has passed with %" PRIu64 " balloon pages of %" PRIu64
		     ": the target is %" PRIu64 " now, %s",
		     status.held_pages, guest->target_pages, target, why);
	/* Memory may have been unplugged since the target before was set. */
	if (set_target(guest, target))
		vballoon_log(LOG_WARNING, "that is more than the guest's memory: the target stays");
	tell_other(guest);
}

/* The one there has gone, or is there to stay. */
static void settle_next(struct vballoon_guest *guest, uint64_t now_ms)
{
	int fd = guest->next_fd;

	if (fd < 0 || (guest->back_end && now_ms < guest->next_until_ms))
		return;
	guest->next_fd = -1;
	vballoon_guest_connect(guest, fd);
	guest->next_until_ms = 0;
}

void vballoon_guest_work(struct vballoon_guest *guest)
{
	uint64_t now_ms = vballoon_loop_now_ms();

	settle_next(guest, now_ms);
	/* If there is something to hear, the loop has just told so, or tells it next. */
	if (guest->work_left || now_ms >= device_due_ms(guest))
		serve(guest, vballoon_vhost_user_work);
	look_at_deadline(guest, now_ms);
	if (guest->pressure.state == VBALLOON_PRESSURE_LOOKS)
		vballoon_pressure_look(&guest->pressure, now_ms, warm_pages(guest));
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
		due_ms = sooner(due_ms,
				vballoon_pressure_due_ms(&guest->pressure, warm_pages(guest)));
	return due_ms;
}

/* It was looked at when it was read, so that only memory can be short. */
static int hand_over(struct vballoon_guest *guest)
{
	struct vballoon_saved_check check;

	if (!guest->to_load.bytes)
		return 0;
	return vballoon_vhost_user_load(guest->back_end, guest->to_load.bytes, guest->to_load.len,
					&check);
}

/* Have the supervisor hold the front end and speak to it through a relay, whose other end is
 * returned; a negative errno, and @fd is closed in either case. */
static int hand_to_supervisor(int fd)
{
	int ends[2];
	int err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		err = -errno;
		close(fd);
		return err;
	}
	err = vballoon_keeper_keep(VBALLOON_KEPT_FRONT_END, fd);
	if (!err)
		err = vballoon_keeper_keep(VBALLOON_KEPT_RELAY, ends[1]);
	close(ends[1]);
	close(fd);
	if (!err)
		return ends[0];
	close(ends[0]);
	return err;
}

static int make_back_end(struct vballoon_guest *guest, int fd, bool recover)
{
	struct vballoon_vhost_user_config config = {
		.device_id = guest->device_id,
		.page_shift = guest->page_shift,
		.features = guest->features,
		.start_empty = guest->start_empty,
		.log = log_line,
		.policy = &guest->rules.policy,
		.keeper = vballoon_keeper_is_there() ? &vballoon_keeper_ops : NULL,
	};
	struct vballoon_status status;
	int err;

	if (!recover)
		return vballoon_vhost_user_new(&config, fd, &guest->back_end);
	err = vballoon_vhost_user_recover(&config, fd, &guest->back_end);
	if (err)
		return err;
	vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &status);
	guest->target_pages = status.target_pages;
	return 0;
}

static int connect_front_end(struct vballoon_guest *guest, int fd, bool recover)
{
	int err = make_back_end(guest, fd, recover);

	if (err)
		return err;
	err = recover ? 0 : hand_over(guest);
	if (err) {
		vballoon_vhost_user_free(guest->back_end);
		guest->back_end = NULL;
		return err;
	}
	guest->source.fd = vballoon_vhost_user_fd(guest->back_end);
	guest->source.events = EPOLLIN;
	guest->source.ready = ready;
	guest->source.context = guest;
	err = vballoon_loop_add(guest->loop, &guest->source);
	if (err) {
		vballoon_vhost_user_free(guest->back_end);
		guest->back_end = NULL;
		return err;
	}
	vballoon_interlock_begin(&guest->interlock);
	inhibit(guest);
	vballoon_pair_connect(guest);
	if (recover)
		return 0;
	vballoon_device_set_target(vballoon_vhost_user_device(guest->back_end),
				   vballoon_pair_share(guest));
	if (guest->stats_period_ms)
		vballoon_device_set_stats_period(vballoon_vhost_user_device(guest->back_end),
						 guest->stats_period_ms);
	return 0;
}

void vballoon_guest_connect(struct vballoon_guest *guest, int fd)
{
	char peer[128];
	int err;

	vballoon_lookout_name(fd, peer, sizeof(peer));
	if (guest->back_end && vballoon_keeper_is_there() && guest->next_fd < 0 &&
	    !guest->next_until_ms) {
		guest->next_fd = fd;
		guest->next_until_ms = vballoon_loop_now_ms() + LEAVE_MS;
		return;
	}
	if (guest->back_end) {
		vballoon_log(LOG_WARNING,
			     "a second front end, process %s, was turned away: "
			     "one is connected; run another vballoond for it",
			     peer);
		close(fd);
		return;
	}
	if (vballoon_keeper_is_there())
		fd = hand_to_supervisor(fd);
	err = fd < 0 ? fd : connect_front_end(guest, fd, false);
	if (err)
		vballoon_keeper_forget(VBALLOON_KEPT_FRONT_END);
	if (err)
		vballoon_log(LOG_ERR, "the front end, process %s, cannot be served: %s", peer,
			     strerror(-err));
	else
		vballoon_log(LOG_INFO, "a front end has connected: process %s", peer);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A front end that has said nothing yet is as good as new. */
static void recover_front_end(struct vballoon_guest *guest)
{
	int relay = vballoon_keeper_find(VBALLOON_KEPT_RELAY);
	int err;

	if (relay < 0)
		return;
	err = connect_front_end(guest, relay, true);
	if (err == -ENOENT)
		err = connect_front_end(guest, vballoon_keeper_find(VBALLOON_KEPT_RELAY), false);
	if (err) {
		vballoon_log(LOG_ERR,
			     "the front end is turned away: what the worker before has "
			     "left cannot be used: %s",
			     strerror(-err));
		vballoon_keeper_forget(VBALLOON_KEPT_FRONT_END);
		return;
	}
	serve(guest, vballoon_vhost_user_process);
	guest->work_left |= guest->back_end != NULL;
	guest->recovered_us = now_us() - vballoon_keeper_history().ended_us;
	vballoon_log(LOG_NOTICE, "going on after %" PRIu64 " us", guest->recovered_us);
}

void vballoon_guest_recover(struct vballoon_guest *guest)
{
	struct vballoon_orders orders = { .stats_period_ms = guest->stats_period_ms,
					  .rules = guest->rules };

	if (!vballoon_orders_begin(&guest->orders, &orders))
		return;
	guest->target_pages = orders.target_pages;
	guest->ordered = orders.ordered;
	guest->stats_period_ms = orders.stats_period_ms;
	guest->deadline = orders.deadline;
	guest->rules = orders.rules;
	recover_front_end(guest);
}

int vballoon_guest_set_target(struct vballoon_guest *guest, uint64_t pages)
{
	int err = set_target(guest, pages);

	if (err)
		return err;
	guest->deadline.state = VBALLOON_DEADLINE_NONE;
	keep_orders(guest);
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
	keep_orders(guest);
	tell_other(guest);
	return 0;
}

static void apply_rules(struct vballoon_guest *guest, const struct vballoon_rules *rules)
{
	guest->rules = *rules;
	keep_orders(guest);
	watch_pressure(guest);
	if (!guest->back_end)
		return;
	vballoon_device_set_policy(vballoon_vhost_user_device(guest->back_end), &rules->policy);
	guest->work_left = true;
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
	apply_rules(guest, rules);
	if (guest->other)
		apply_rules(guest->other, rules);
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
	keep_orders(guest);
	if (!guest->back_end)
		return;
	vballoon_device_set_stats_period(vballoon_vhost_user_device(guest->back_end), period_ms);
	guest->work_left = true;
}

void vballoon_guest_set_stats_period(struct vballoon_guest *guest, uint32_t period_ms)
{
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

int vballoon_guest_upgrade(struct vballoon_guest *guest)
{
	if (!vballoon_keeper_is_there())
		return -EOPNOTSUPP;
	guest->upgrades = true;
	return 0;
}

void vballoon_guest_restart(struct vballoon_guest *guest)
{
	vballoon_device_restart(vballoon_vhost_user_device(guest->back_end));
	guest->work_left = true;
}

static enum vballoon_state state_of(const struct vballoon_status *device)
{
	if (device->violation != VBALLOON_OK)
		return VBALLOON_STATE_STOPPED;
	if (device->record == VBALLOON_RECORD_NONE)
		return VBALLOON_STATE_NO_DRIVER;
	if (device->record == VBALLOON_RECORD_UNPROVEN)
		return VBALLOON_STATE_PAUSED;
	return VBALLOON_STATE_READY;
}

static uint64_t left_ms(uint64_t due_ms)
{
	uint64_t now_ms = vballoon_loop_now_ms();

	return due_ms > now_ms ? due_ms - now_ms : 0;
}

void vballoon_guest_view(const struct vballoon_guest *guest, struct vballoon_view *view_out)
{
	memset(view_out, 0, sizeof(*view_out));
	view_out->device_id = guest->device_id;
	view_out->page_shift = guest->page_shift;
	view_out->other_device_id = guest->other ? guest->other->device_id : 0;
	view_out->features_offered = guest->features;
	view_out->stats_period_ms = guest->stats_period_ms;
	view_out->target_pages = guest->target_pages;
	view_out->supervised = vballoon_keeper_is_there();
	view_out->history = vballoon_keeper_history();
	view_out->recovered_us = guest->recovered_us;
	view_out->work_left = guest->work_left;
	view_out->rules = guest->rules;
	view_out->pressure = guest->pressure.state;
	view_out->pressures = guest->pressure.times;
	view_out->deadline = guest->deadline;
	if (guest->deadline.state == VBALLOON_DEADLINE_RUNNING)
		view_out->deadline_left_ms = left_ms(guest->deadline.due_ms);
	if (!guest->back_end)
		return;
	vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &view_out->device);
	vballoon_vhost_user_status(guest->back_end, &view_out->front_end);
	view_out->state = state_of(&view_out->device);
	view_out->other_held_pages = vballoon_pair_other_held(guest);
	view_out->passthrough = guest->interlock.known;
	view_out->has_round = guest->round.id != 0;
	view_out->round_is_over =
		view_out->has_round && view_out->device.report_done_id == guest->round.id;
	view_out->round_reported_pages =
		view_out->device.reported_pages - guest->round.reported_pages;
	view_out->round_discarded_pages =
		view_out->device.discarded_pages - guest->round.discarded_pages;
	view_out->stats_age_ms = vballoon_loop_now_ms() - guest->reported_ms;
}

void vballoon_guest_waiting(const struct vballoon_guest *guest,
			    struct vballoon_waiting *waiting_out)
{
	memset(waiting_out, 0, sizeof(*waiting_out));
	if (guest->back_end)
		vballoon_device_waiting(vballoon_vhost_user_device(guest->back_end), waiting_out);
}
