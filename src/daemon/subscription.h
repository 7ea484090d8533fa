/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The events that a client has asked for: a bounded queue of lines.
 *
 * A client that takes them too slowly loses those that find the queue full, and
 * is told how many at the place where they would have been.
 */
#ifndef VBALLOON_DAEMON_SUBSCRIPTION_H
#define VBALLOON_DAEMON_SUBSCRIPTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/view.h"

#define VBALLOON_SUBSCRIPTION_LINES_MAX 64

/* held-changed comes at most this often: all changes in between are one. */
#define VBALLOON_SUBSCRIPTION_HELD_MS 200

struct vballoon_subscription {
	bool active;
	struct vballoon_view seen; /* all that happened until then was queued, but for */
	struct vballoon_view held_seen; /* held-changed: until then */
	uint64_t held_after_ms; /* no other held-changed before that */
	bool held_due; /* one is, then */
	unsigned int first, count; /* of the queue */
	uint64_t lost; /* since the last line in the queue */
	char *lines[VBALLOON_SUBSCRIPTION_LINES_MAX];
};

/* Begin with what happens after @view. @subscription is zeros. */
void vballoon_subscription_begin(struct vballoon_subscription *subscription,
				 const struct vballoon_view *view);

/* Queue what has happened since. */
void vballoon_subscription_update(struct vballoon_subscription *subscription,
				  const struct vballoon_view *view, uint64_t now_ms);

/* Queue one event; takes the reference to @data. */
void vballoon_subscription_push(struct vballoon_subscription *subscription, const char *name,
				json_t *data);

/* The next line, to be freed; NULL when there is none. */
char *vballoon_subscription_take(struct vballoon_subscription *subscription, size_t *len_out);

/* When update is due though nothing changed; UINT64_MAX: never. */
uint64_t vballoon_subscription_deadline_ms(const struct vballoon_subscription *subscription);

void vballoon_subscription_end(struct vballoon_subscription *subscription);

#endif /* VBALLOON_DAEMON_SUBSCRIPTION_H */
