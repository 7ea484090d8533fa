/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What has happened between two views, as events of the control protocol.
 *
 * Events are differences, found whenever something may have changed: nothing has
 * to tell of them where they happen, and nothing is asked in between.
 */
#ifndef VBALLOON_DAEMON_EVENT_H
#define VBALLOON_DAEMON_EVENT_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/view.h"

struct vballoon_event_kind {
	const char *name;
	bool (*happened)(const struct vballoon_view *before, const struct vballoon_view *now);
	json_t *(*data)(const struct vballoon_view *now);
};

/* All but held-changed, in the order in which they are told; ends with a NULL name. */
extern const struct vballoon_event_kind vballoon_event_kinds[];

/* The one that can happen with every message of the guest. */
extern const struct vballoon_event_kind vballoon_event_held;

/* @return an event, with the time of day; takes the reference to @data. */
json_t *vballoon_event_new(const char *name, json_t *data);

#endif /* VBALLOON_DAEMON_EVENT_H */
