/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one guest that this daemon serves: the target of its balloon, which outlives
 * front ends, and the front end that is connected, if one is.
 */
#ifndef VBALLOON_DAEMON_GUEST_H
#define VBALLOON_DAEMON_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/interlock.h"
#include "daemon/loop.h"
#include "daemon/orders.h"
#include "daemon/pressure.h"
#include "daemon/rules.h"
#include "daemon/saved_state.h"
#include "daemon/settings.h"
#include "daemon/view.h"

/* The newest round of free memory that the guest reports. */
struct vballoon_round {
	uint64_t id; /* 0: none, or its front end has gone */
	uint64_t reported_pages, discarded_pages; /* when it began */
};

struct vballoon_guest {
	struct vballoon_loop *loop;
	struct vballoon_guest *other; /* the other device of the same machine; NULL: none */
	bool is_preferred, is_served; /* of two: see pair.h */
	uint64_t without_driver_ms; /* of the one that is preferred: since then; 0: not so */
	uint32_t device_id; /* of virtio */
	uint32_t page_shift;
	uint64_t features; /* to offer */
	uint32_t stats_period_ms; /* 0: the guest pushes nothing */
	struct vballoon_round round;
	uint64_t target_pages;
	struct vballoon_deadline deadline; /* of the target */
	struct vballoon_rules rules;
	struct vballoon_pressure pressure;
	struct vballoon_vhost_user *back_end; /* NULL without a front end */
	struct vballoon_source source;
	bool work_left;
	struct vballoon_interlock interlock;
	int next_fd; /* a front end that came before the one there was seen to go; -1: none */
	uint64_t next_until_ms; /* it is turned away then */
	struct vballoon_orders_file *orders; /* NULL: they are not kept */
	bool upgrades; /* another program is to take over, once the client is answered */
	uint64_t recovered_us; /* how long the guest was without a worker; 0: it never was */
	struct vballoon_saved_state to_load; /* for the front end that comes */
	struct vballoon_saved_state saved; /* that is being fetched, piece by piece */
	bool start_empty; /* when what is to be loaded is another guest's */
	bool ordered; /* since the front end came: that is newer than what it brings */
	bool period_ordered, rules_ordered; /* ever: that is newer than any setting */
	/* What was last seen of the device, so that changes can be told. */
	uint64_t hellos, reports, loads;
	uint64_t reported_ms; /* when the guest last reported */
};

/* A guest whose device is the one of these settings; or the traditional balloon beside
 * it. */
void vballoon_guest_init(struct vballoon_guest *guest, struct vballoon_loop *loop,
			 const struct vballoon_settings *settings);
void vballoon_guest_init_traditional(struct vballoon_guest *guest, struct vballoon_loop *loop,
				     const struct vballoon_settings *settings);
void vballoon_guest_deinit(struct vballoon_guest *guest);

/* The next front end's guest goes on with what the file at @path says; of a pair the one that the
 * file is of. Returns 0; -1 when that cannot be, and the log says why. */
int vballoon_guest_load(struct vballoon_guest *guest, const char *path);

/* Go on with what another worker has left, if one has: orders, and a front end. Returns 0; or a
 * negative errno when this is another program, which is tried, and cannot: all is as it was. */
int vballoon_guest_recover(struct vballoon_guest *guest);

/* Whether a front end is connected. */
bool vballoon_guest_is_connected(const struct vballoon_guest *guest);

/* Serve the front end at @fd, which is taken over. A second front end is turned
 * away, if the first one does not go meanwhile. The log tells either, and why. */
void vballoon_guest_connect(struct vballoon_guest *guest, int fd);

/* Whether one waits for the one there to go: meanwhile no other is to be accepted, as it may be
 * its turn next. */
bool vballoon_guest_has_next(const struct vballoon_guest *guest);

/* Do a bounded amount of the work that is left, and what it is time for; nothing when
 * there is none. */
void vballoon_guest_work(struct vballoon_guest *guest);

/* When that is to be called at the latest, by vballoon_loop_now_ms(); VBALLOON_NEVER. */
uint64_t vballoon_guest_due_ms(const struct vballoon_guest *guest);

/* Set the target, now or for the next front end; ends a deadline. Returns 0; -ERANGE
 * when it is more than the guest's memory. */
int vballoon_guest_set_target(struct vballoon_guest *guest, uint64_t pages);

/* The same with a deadline; see vballoon_deadline_begin(). */
int vballoon_guest_set_target_within(struct vballoon_guest *guest, uint64_t pages,
				     uint64_t within_ms, bool reverts);

/* Have its policy hold: that of the settings, or what a worker before has left. It was checked
 * when it was set, and holds whatever has become of the guest's memory. */
void vballoon_guest_begin_rules(struct vballoon_guest *guest);

/* Change the policy, now and for every front end to come. Returns what is wrong with it,
 * and it is as it was. */
enum vballoon_policy_fault vballoon_guest_set_rules(struct vballoon_guest *guest,
						    const struct vballoon_rules *rules);

/* Drop what is held, once, warm or not. Only when connected. */
void vballoon_guest_drop(struct vballoon_guest *guest);

/* Have this guest and every other push statistics, every so often; 0: not any more. */
void vballoon_guest_set_stats_period(struct vballoon_guest *guest, uint32_t period_ms);

/* Ask the guest to report its free memory. Only when connected. Returns 0; -EOPNOTSUPP
 * when it cannot. */
int vballoon_guest_begin_round(struct vballoon_guest *guest);

/* Ask the guest for statistics; restart a stopped device. Only when connected. */
void vballoon_guest_request_stats(struct vballoon_guest *guest);
void vballoon_guest_restart(struct vballoon_guest *guest);

/* Look again whether a device is passed through, now and not only with the next work. */
void vballoon_guest_look(struct vballoon_guest *guest);

/* Why pages wait to be given back; looks through all of the guest's memory. */
void vballoon_guest_waiting(const struct vballoon_guest *guest,
			    struct vballoon_waiting *waiting_out);

void vballoon_guest_view(const struct vballoon_guest *guest, struct vballoon_view *view_out);

/* The same but for view.front_end, which takes calls of the host. */
void vballoon_guest_glance(const struct vballoon_guest *guest, struct vballoon_view *view_out);

#endif /* VBALLOON_DAEMON_GUEST_H */
