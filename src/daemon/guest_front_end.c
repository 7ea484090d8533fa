// SPDX-License-Identifier: BSD-3-Clause
/* Front ends that come, and the one that a worker before has left. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "daemon/guest_parts.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/lookout.h"
#include "daemon/pair.h"
#include "supervisor/relay.h"

/* How long a front end may take to go when the next one has come: what it has said is read first. */
#define LEAVE_MS 1000

static void log_line(void *context, int priority, const char *text)
{
	(void)context;
	vballoon_log(priority, "%s", text);
}

bool vballoon_guest_has_next(const struct vballoon_guest *guest)
{
	return guest->next_fd >= 0;
}

/* The one there has gone, or is there to stay. */
void vballoon_guest_settle_next(struct vballoon_guest *guest, uint64_t now_ms)
{
	int fd = guest->next_fd;

	if (fd < 0 || (guest->back_end && now_ms < guest->next_until_ms))
		return;
	guest->next_fd = -1;
	vballoon_guest_connect(guest, fd);
	guest->next_until_ms = 0;
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

/* @fd becomes the supervisor's. Returns as vballoon_keeper_relay(). */
static int hand_to_supervisor(int fd)
{
	int relay = vballoon_keeper_relay(fd);

	close(fd);
	return relay;
}

/* What the worker before was told holds for this one. */
static void take_up_orders(struct vballoon_guest *guest, struct vballoon_device *device)
{
	struct vballoon_status status;

	vballoon_device_status(device, &status);
	guest->target_pages = status.target_pages;
	/* A pace that was begun without the time has its next step due at once. */
	vballoon_device_set_time(device, vballoon_loop_now_ms());
	if (guest->rules.policy.inflate_rate)
		(void)vballoon_device_set_target(device, status.target_pages);
	/* Another supervisor may have been told another one. */
	if (status.stats_period_ms != guest->stats_period_ms)
		vballoon_device_set_stats_period(device, guest->stats_period_ms);
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
	int err;

	if (!recover)
		return vballoon_vhost_user_new(&config, fd, &guest->back_end);
	err = vballoon_vhost_user_recover(&config, fd, &guest->back_end);
	if (!err)
		take_up_orders(guest, vballoon_vhost_user_device(guest->back_end));
	return err;
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
	guest->source.ready = vballoon_guest_ready;
	guest->source.context = guest;
	err = vballoon_loop_add(guest->loop, &guest->source);
	if (err) {
		vballoon_vhost_user_free(guest->back_end);
		guest->back_end = NULL;
		return err;
	}
	vballoon_interlock_begin(&guest->interlock);
	vballoon_guest_inhibit(guest);
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
	if (guest->back_end && guest->next_fd < 0 && !guest->next_until_ms) {
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

/* What cannot be gone on from, another program may understand. */
static int take_up(struct vballoon_guest *guest, int relay)
{
	int again = fcntl(relay, F_DUPFD_CLOEXEC, 0);
	int err;

	vballoon_keeper_hold(vballoon_keeper_history().tried);
	err = connect_front_end(guest, relay, true);
	vballoon_keeper_hold(false);
	/* One that has said nothing yet is as good as new. */
	if (err == -ENOENT && again >= 0)
		return connect_front_end(guest, again, false);
	if (again >= 0)
		close(again);
	return err;
}

static int recover_front_end(struct vballoon_guest *guest)
{
	int relay = vballoon_keeper_find(VBALLOON_KEPT_RELAY);
	int err = relay < 0 ? 0 : take_up(guest, relay);

	if (relay < 0 || (err && vballoon_keeper_history().tried))
		return err;
	if (err) {
		vballoon_log(LOG_ERR,
			     "the front end is turned away: what the worker before has "
			     "left cannot be used: %s",
			     strerror(-err));
		vballoon_keeper_forget(VBALLOON_KEPT_FRONT_END);
		return 0;
	}
	/* Before a message has more kept, under a name that is not taken up. */
	vballoon_keeper_settle();
	vballoon_guest_serve(guest, vballoon_vhost_user_process);
	guest->work_left |= guest->back_end != NULL;
	guest->recovered_us = now_us() - vballoon_keeper_history().ended_us;
	vballoon_log(LOG_NOTICE, "going on after %" PRIu64 " us", guest->recovered_us);
	return 0;
}

int vballoon_guest_recover(struct vballoon_guest *guest)
{
	struct vballoon_orders orders = { .stats_period_ms = guest->stats_period_ms,
					  .rules = guest->rules };
	int found = vballoon_orders_begin(&guest->orders, &orders);

	if (found < 0)
		return found;
	/* A front end may be there without: the first worker of one that was handed over died
	 * early, or no order was understood. */
	if (found) {
		guest->target_pages = orders.target_pages;
		guest->ordered = orders.ordered;
		guest->deadline = orders.deadline;
		guest->period_ordered = orders.has_period;
		guest->rules_ordered = orders.has_rules;
		if (orders.has_period)
			guest->stats_period_ms = orders.stats_period_ms;
		if (orders.has_rules)
			guest->rules = orders.rules;
	}
	return recover_front_end(guest);
}
