/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the device asks of the driver: kept until the driver has posted a buffer,
 * the newest RESIZE and one of each other kind (DEV-REQ-3, DEV-REQ-4).
 *
 * RESIZE and STATS are for a guest that has shown who it is. When there is
 * something to tell or to drop and the guest keeps silent after a queue was
 * stopped, it is asked to say HELLO.
 */
#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "device/core.h"

#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV

/* Keeps DEV-REQ-8. */
void vballoon_requests_resize(struct vballoon_device *device)
{
	device->requests.resize = true;
	device->withdraw_refused = false;
	memset(device->policy_refused, 0, sizeof(device->policy_refused));
}

/* Keeps DEV-PUSH-4. */
void vballoon_requests_period(struct vballoon_device *device)
{
	device->requests.period = true;
	device->requests.stats = true;
}

/* Keeps DEV-HELLO-11. */
void vballoon_requests_hello(struct vballoon_device *device)
{
	if (device->requests.hello_asked)
		return;
	device->requests.hello = true;
	device->requests.hello_asked = true;
}

void vballoon_device_request_stats(struct vballoon_device *device)
{
	device->requests.stats = true;
	vballoon_journal_keep(device);
}

void vballoon_device_set_stats_period(struct vballoon_device *device, uint32_t period_ms)
{
	device->stats_period_ms = period_ms;
	vballoon_requests_period(device);
	vballoon_journal_keep(device);
}

int vballoon_device_request_report(struct vballoon_device *device, uint64_t *id_out)
{
	struct vballoon_requests *requests = &device->requests;

	if (!vballoon_device_has(device, device->protocol->rounds_feature))
		return -EOPNOTSUPP;
	requests->report = true;
	requests->report_asked = false;
	*id_out = ++requests->report_id;
	vballoon_journal_keep(device);
	return 0;
}

/* The cookie of a STATS request. The same as long as none is answered: whichever of
 * them the driver answers, it is the answer.
 * Keeps DEV-STATS-6. */
static uint32_t stats_cookie(struct vballoon_requests *requests)
{
	if (!requests->stats_asked) {
		requests->stats_asked = true;
		if (!++requests->cookie)
			requests->cookie = 1;
	}
	return requests->cookie;
}

/* The value of a STATS request. Keeps DEV-PUSH-1, DEV-PUSH-2. */
static uint32_t stats_value(struct vballoon_device *device)
{
	if (!vballoon_device_has(device, VBALLOON_F(PUSH_STATS)))
		return 0;
	return device->requests.period ? device->stats_period_ms
				       : VIRTIO_MEMORY_BALLOON_STATS_PERIOD_SAME;
}

/* Which request goes next: its flag, and its type; NULL when there is none.
 * Keeps DEV-FEAT-7, DEV-REQ-7, DEV-BAD-7. */
static bool *next_request(struct vballoon_device *device, uint32_t *type_out)
{
	struct vballoon_requests *requests = &device->requests;
	bool proven = device->proof == VBALLOON_RECORD_PROVEN;
	bool reports = vballoon_device_has(device, VBALLOON_F(REPORTING));
	const struct {
		bool *pending;
		bool may; /* be sent now */
		uint32_t type;
	} order[] = {
		{ &requests->reset, true, VIRTIO_MEMORY_BALLOON_REQ_RESET },
		{ &requests->hello, !device->violation, VIRTIO_MEMORY_BALLOON_REQ_HELLO },
		{ &requests->resize, proven && !device->violation,
		  VIRTIO_MEMORY_BALLOON_REQ_RESIZE },
		{ &requests->stats, proven && !device->violation, VIRTIO_MEMORY_BALLOON_REQ_STATS },
		{ &requests->report, proven && reports && !device->violation,
		  VIRTIO_MEMORY_BALLOON_REQ_REPORT },
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (*order[i].pending && order[i].may) {
			*type_out = order[i].type;
			return order[i].pending;
		}
	}
	return NULL;
}

/* What @type says beside itself. */
static void say(struct vballoon_device *device, uint32_t type,
		struct virtio_memory_balloon_req *request)
{
	switch (type) {
	case VIRTIO_MEMORY_BALLOON_REQ_RESIZE:
		request->value = vballoon_le64(device->pace.asked);
		break;
	case VIRTIO_MEMORY_BALLOON_REQ_STATS:
		request->flags = vballoon_le32(stats_cookie(&device->requests));
		request->value = vballoon_le64(stats_value(device));
		break;
	case VIRTIO_MEMORY_BALLOON_REQ_REPORT:
		request->value = vballoon_le64(device->requests.report_id);
		break;
	default:
		break;
	}
}

/* The driver has the request: what follows from that. */
static void sent(struct vballoon_device *device, uint32_t type)
{
	if (type == VIRTIO_MEMORY_BALLOON_REQ_STATS)
		device->requests.period = false;
	else if (type == VIRTIO_MEMORY_BALLOON_REQ_REPORT)
		device->requests.report_asked = true;
}

/* Fill the buffer that was taken. Keeps DEV-REQ-1, DEV-REQ-2, DEV-REQ-5, DEV-REQ-6. */
static enum vballoon_violation fill(struct vballoon_device *device, uint32_t type)
{
	struct vballoon_chain *chain = &device->request_chain;
	struct virtio_memory_balloon_req request = { .type = vballoon_le32(type) };

	if (chain->readable_len || chain->writable_len < sizeof(request))
		return VBALLOON_REQUEST_BUFFER;
	say(device, type, &request);
	if (vballoon_chain_write(&device->memory, chain, &request, sizeof(request)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	return VBALLOON_OK;
}

/* Whether the guest has to say HELLO before work can go on. Keeps DEV-HELLO-13, DEV-STOP-9. */
static bool must_speak(const struct vballoon_device *device)
{
	if (device->violation || !device->rings[VIRTIO_MEMORY_BALLOON_VQ_TODEV].running)
		return false;
	return device->requests.count_lost ||
	       (device->proof == VBALLOON_RECORD_UNPROVEN &&
		(device->requests.resize || device->requests.stats || device->requests.report ||
		 vballoon_drop_waits(device)));
}

bool vballoon_requests_reset_waits(const struct vballoon_device *device)
{
	const struct vballoon_device_ring *ring = &device->rings[FROMDEV];

	return device->requests.reset && device->protocol->ask == vballoon_requests_run &&
	       ring->running && !ring->violation;
}

uint64_t vballoon_requests_due_ms(const struct vballoon_device *device)
{
	return device->proof == VBALLOON_RECORD_NONE && !device->requests.hello_asked &&
			       !device->violation &&
			       device->rings[VIRTIO_MEMORY_BALLOON_VQ_TODEV].running
		       ? device->requests.hello_due_ms
		       : VBALLOON_NEVER;
}

/* Keeps DEV-HELLO-12, DEV-REQ-3, DEV-REQ-4, DEV-REQ-11. */
void vballoon_requests_run(struct vballoon_device *device)
{
	enum vballoon_violation violation;
	uint32_t type;
	bool *pending;

	if (must_speak(device) || vballoon_requests_due_ms(device) <= device->now_ms)
		vballoon_requests_hello(device);
	while ((pending = next_request(device, &type)) && vballoon_device_next(device, FROMDEV)) {
		violation = fill(device, type);
		if (violation)
			vballoon_device_refuse(device, FROMDEV, violation);
		else if (!vballoon_device_use(device, FROMDEV)) {
			*pending = false;
			sent(device, type);
		}
	}
}
