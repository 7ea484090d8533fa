// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "control/message.h"
#include "daemon/event.h"
#include "daemon/subscription.h"

void vballoon_subscription_begin(struct vballoon_subscription *subscription,
				 const struct vballoon_view *view)
{
	subscription->active = true;
	subscription->seen = *view;
	subscription->held_seen = *view;
}

void vballoon_subscription_push(struct vballoon_subscription *subscription, const char *name,
				json_t *data)
{
	unsigned int last = subscription->first + subscription->count;
	json_t *event = vballoon_event_new(name, data);
	size_t len = 0;
	char *line = NULL;

	if (subscription->count < VBALLOON_SUBSCRIPTION_LINES_MAX)
		line = vballoon_message_print(event, &len);
	json_decref(event);
	if (!line) {
		subscription->lost++;
		return;
	}
	line[len - 1] = '\0'; /* a string until it is sent */
	subscription->lines[last % VBALLOON_SUBSCRIPTION_LINES_MAX] = line;
	subscription->count++;
}

/* Lost ones are told as soon as there is room to, ahead of all that follow. */
static void tell_lost(struct vballoon_subscription *subscription)
{
	uint64_t lost = subscription->lost;

	subscription->lost = 0;
	if (lost)
		vballoon_subscription_push(subscription, "events-lost",
					   json_pack("{sI}", "count", (json_int_t)lost));
}

char *vballoon_subscription_take(struct vballoon_subscription *subscription, size_t *len_out)
{
	char *line;

	if (!subscription->count)
		tell_lost(subscription); /* memory was short, perhaps */
	if (!subscription->count)
		return NULL;
	line = subscription->lines[subscription->first];
	subscription->first = (subscription->first + 1) % VBALLOON_SUBSCRIPTION_LINES_MAX;
	subscription->count--;
	tell_lost(subscription);
	*len_out = strlen(line) + 1;
	line[*len_out - 1] = '\n';
	return line;
}

static void update_held(struct vballoon_subscription *subscription,
			const struct vballoon_view *view, uint64_t now_ms)
{
	const struct vballoon_event_kind *kind = &vballoon_event_held;

	subscription->held_due = kind->happened(&subscription->held_seen, view);
	if (!subscription->held_due || now_ms < subscription->held_after_ms)
		return;
	vballoon_subscription_push(subscription, kind->name, kind->data(view));
	subscription->held_seen = *view;
	subscription->held_due = false;
	subscription->held_after_ms = now_ms + VBALLOON_SUBSCRIPTION_HELD_MS;
}

/* Of two devices the other one is shown now. What it has counted since long, and which driver it
 * has, has not just happened. */
static void see_other(struct vballoon_subscription *subscription, const struct vballoon_view *view)
{
	if (subscription->seen.device_id == view->device_id)
		return;
	subscription->seen.device = view->device;
	subscription->seen.pressures = view->pressures;
}

void vballoon_subscription_update(struct vballoon_subscription *subscription,
				  const struct vballoon_view *view, uint64_t now_ms)
{
	const struct vballoon_event_kind *kind;

	see_other(subscription, view);
	for (kind = vballoon_event_kinds; kind->name; kind++) {
		if (kind->happened(&subscription->seen, view))
			vballoon_subscription_push(subscription, kind->name, kind->data(view));
	}
	subscription->seen = *view;
	update_held(subscription, view, now_ms);
}

uint64_t vballoon_subscription_deadline_ms(const struct vballoon_subscription *subscription)
{
	return subscription->held_due ? subscription->held_after_ms : UINT64_MAX;
}

void vballoon_subscription_end(struct vballoon_subscription *subscription)
{
	size_t len;
	char *line;

	subscription->lost = 0;
	while ((line = vballoon_subscription_take(subscription, &len)))
		free(line);
	subscription->active = false;
}
