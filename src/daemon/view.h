/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon knows at one moment: all that its commands report. */
#ifndef VBALLOON_DAEMON_VIEW_H
#define VBALLOON_DAEMON_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/device.h>
#include <vballoon/vhost_user.h>

#include "daemon/keeper.h"
#include "daemon/passthrough.h"
#include "daemon/pressure.h"
#include "daemon/rules.h"

enum vballoon_state {
	VBALLOON_STATE_NO_FRONT_END, /* no virtual machine monitor is connected */
	VBALLOON_STATE_NO_DRIVER, /* the guest has not said HELLO */
	VBALLOON_STATE_PAUSED, /* a queue was stopped, and the guest has not spoken since */
	VBALLOON_STATE_READY,
	VBALLOON_STATE_STOPPED, /* the guest broke the protocol */
};

struct vballoon_view {
	enum vballoon_state state;
	bool work_left; /* the device is in the middle of something */
	uint32_t device_id; /* of virtio */
	uint32_t page_shift;
	uint64_t features_offered;
	uint32_t stats_period_ms; /* 0: the guest pushes nothing */
	uint64_t target_pages;
	uint32_t other_device_id; /* of the other device of the same machine; 0: there is none */
	uint64_t other_held_pages; /* that it still has */
	struct vballoon_status device; /* zeros without a front end, as what follows */
	struct vballoon_vhost_user_status front_end;
	struct vballoon_passthrough passthrough;
	struct vballoon_rules rules;
	struct vballoon_deadline deadline; /* of the target */
	uint64_t deadline_left_ms; /* while it runs */
	enum vballoon_pressure_state pressure; /* how the host's is watched */
	uint64_t pressures; /* how often there was some */
	/* The newest round of reported free memory, if there was one. */
	bool has_round, round_is_over;
	uint64_t round_reported_pages, round_discarded_pages;
	bool supervised;
	struct vballoon_keeper_history history; /* of workers before this one */
	uint64_t recovered_us; /* how long the guest was without one; 0: it never was */
	uint64_t stats_age_ms; /* when device.stats.reports is not 0 */
};

/* @return its name in the control protocol. */
const char *vballoon_view_state_name(const struct vballoon_view *view);

/* @return whether the guest has done what was asked of it, and the host too. */
bool vballoon_view_is_settled(const struct vballoon_view *view);

/* @return what the guest is asked for now: the target, unless its pace holds it back. */
uint64_t vballoon_view_asked_pages(const struct vballoon_view *view);

/* @return whether the guest has not pushed what was due some time ago. */
bool vballoon_view_is_late(const struct vballoon_view *view);

/* @return what the guest is offered, and what was negotiated. */
struct vballoon_feature_set vballoon_view_features(const struct vballoon_view *view);

/* @return @pages balloon pages in bytes. */
uint64_t vballoon_view_bytes(const struct vballoon_view *view, uint64_t pages);

#endif /* VBALLOON_DAEMON_VIEW_H */
