/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two virtqueues: requests come in on fromdevq, messages go out and are answered on
 * todevq.
 */
#include <string.h>

#include "base/le.h"
#include "driver/port/core.h"

/* Two for WITHDRAW and one for STATS; with the features two for EXCHANGE and two for
 * REPORT, or one for REPORT_DONE behind it. They always find room, whatever the ADDs do;
 * HELLO goes alone. In the smallest queue ADD and REPORT take turns. */
#define BASE_DESCRIPTORS 3
#define EXCHANGE_DESCRIPTORS 2
#define REPORT_DESCRIPTORS 2
#define ADD_DESCRIPTORS 2

_Static_assert(sizeof(struct vballoon_guest_shared) <= VBALLOON_GUEST_SHARED_BYTES, "as told");

static struct vballoon_gpa gpa_of(const struct vballoon_guest *guest, const void *shared)
{
	size_t offset =
		(size_t)((const unsigned char *)shared - (const unsigned char *)guest->shared);

	return vballoon_gpa(guest->config.shared_gpa.value + offset);
}

/* Keeps DRV-WITHDRAW-2. */
static unsigned int reserved_descriptors(const struct vballoon_guest *guest)
{
	unsigned int count = BASE_DESCRIPTORS;

	if (vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_EXCHANGE))
		count += EXCHANGE_DESCRIPTORS;
	if (vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_REPORTING))
		count += REPORT_DESCRIPTORS;
	return count;
}

_Static_assert(BASE_DESCRIPTORS + EXCHANGE_DESCRIPTORS + ADD_DESCRIPTORS + 1 <=
		       VBALLOON_GUEST_TODEV_MIN,
	       "an ADD fits");

void vballoon_guest_queues_prepare(struct vballoon_guest *guest,
				   struct vballoon_queue queues[VIRTIO_MEMORY_BALLOON_VQ_COUNT])
{
	unsigned int adds;

	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++) {
		unsigned char *memory = guest->shared->rings[i];

		vballoon_guest_ring_prepare(&guest->rings[i], memory, gpa_of(guest, memory),
					    guest->config.queue_size[i], guest->features,
					    &queues[i]);
	}
	adds = (guest->rings[TODEV].ring.size - reserved_descriptors(guest)) / ADD_DESCRIPTORS;
	guest->takes_turns = !adds;
	guest->adds_max = adds < 1 ? 1 : adds < GUEST_ADDS ? adds : GUEST_ADDS;
	memset(guest->in_flight, 0, sizeof(guest->in_flight));
	guest->in_flight_count = 0;
}

static void request_post(struct vballoon_guest *guest, uint64_t index)
{
	struct virtio_memory_balloon_req *request = &guest->shared->requests[index];
	struct vballoon_driver_buffer buffer = { gpa_of(guest, request), sizeof(*request), true };

	if (vballoon_driver_ring_post(&guest->rings[FROMDEV].ring, &buffer, 1, index))
		vballoon_guest_fail(guest, VBALLOON_GUEST_BAD_RING);
}

/* Keeps DRV-REQ-1, DRV-REQ-2. */
void vballoon_guest_queues_post(struct vballoon_guest *guest)
{
	for (unsigned int i = 0; i < GUEST_REQUESTS && i < guest->rings[FROMDEV].ring.size; i++)
		request_post(guest, i);
}

/* Keeps DRV-REQ-6. */
static void resize_requested(struct vballoon_guest *guest,
			     const struct virtio_memory_balloon_req *request)
{
	vballoon_decide_resize(&guest->decide, vballoon_le64(request->value));
	vballoon_guest_withdraw_allow(guest);
}

/* Keeps DRV-REQ-10. */
static void hello_requested(struct vballoon_guest *guest,
			    const struct virtio_memory_balloon_req *request)
{
	(void)request;
	vballoon_decide_ask_held(&guest->decide);
	guest->hello.due = true;
}

/* Keeps DRV-REQ-11. */
static void reset_requested(struct vballoon_guest *guest,
			    const struct virtio_memory_balloon_req *request)
{
	(void)request;
	vballoon_guest_restart(guest);
}

/* By VIRTIO_MEMORY_BALLOON_REQ_*; others are ignored. */
static void (*const requested[])(struct vballoon_guest *guest,
				 const struct virtio_memory_balloon_req *request) = {
	[VIRTIO_MEMORY_BALLOON_REQ_RESIZE] = resize_requested,
	[VIRTIO_MEMORY_BALLOON_REQ_STATS] = vballoon_guest_stats_requested,
	[VIRTIO_MEMORY_BALLOON_REQ_REPORT] = vballoon_guest_report_requested,
	[VIRTIO_MEMORY_BALLOON_REQ_HELLO] = hello_requested,
	[VIRTIO_MEMORY_BALLOON_REQ_RESET] = reset_requested,
};

/* Keeps DRV-REQ-3, DRV-REQ-4, DRV-RING-4. */
static void request_take(struct vballoon_guest *guest, uint64_t index, uint32_t written)
{
	const volatile struct virtio_memory_balloon_req *shared = &guest->shared->requests[index];
	const struct virtio_memory_balloon_req request = { shared->type, shared->flags,
							   shared->value };
	uint32_t type = vballoon_le32(request.type);

	request_post(guest, index);
	if (guest->life.state == VBALLOON_GUEST_RUNNING && written == sizeof(request) &&
	    type < sizeof(requested) / sizeof(requested[0]) && requested[type])
		requested[type](guest, &request);
}

bool vballoon_guest_requests_poll(struct vballoon_guest *guest)
{
	unsigned int budget = GUEST_REQUESTS;
	int outcome = VBALLOON_COLLECT_NONE;
	uint32_t written;
	uint64_t index;

	while (guest->life.state == VBALLOON_GUEST_RUNNING && budget) {
		outcome =
			vballoon_driver_ring_collect(&guest->rings[FROMDEV].ring, &index, &written);
		if (outcome != VBALLOON_COLLECT_ONE)
			break;
		request_take(guest, index, written);
		budget--;
	}
	if (outcome == VBALLOON_COLLECT_BROKEN)
		vballoon_guest_fail(guest, VBALLOON_GUEST_BAD_RING);
	return !budget;
}

/* By message; the ADDs are the last. */
static void (*const answered[])(struct vballoon_guest *guest, unsigned int message,
				uint32_t written) = {
	[GUEST_HELLO] = vballoon_guest_hello_answered,
	[GUEST_WITHDRAW] = vballoon_guest_withdraw_answered,
	[GUEST_STATS_REPORT] = vballoon_guest_ignore_answer,
	[GUEST_EXCHANGE] = vballoon_guest_exchange_answered,
	[GUEST_REPORT] = vballoon_guest_report_answered,
	[GUEST_REPORT_DONE] = vballoon_guest_ignore_answer,
	[GUEST_FIRST_ADD] = vballoon_guest_add_answered,
};

void vballoon_guest_answers_poll(struct vballoon_guest *guest)
{
	int outcome = VBALLOON_COLLECT_NONE;
	uint32_t written;
	uint64_t message;

	/* There cannot be more: taking an answer sends nothing. */
	for (unsigned int i = 0; i < GUEST_MESSAGES; i++) {
		if (guest->life.state != VBALLOON_GUEST_RUNNING)
			return;
		outcome =
			vballoon_driver_ring_collect(&guest->rings[TODEV].ring, &message, &written);
		if (outcome != VBALLOON_COLLECT_ONE)
			break;
		guest->in_flight[message] = false;
		guest->in_flight_count--;
		answered[message < GUEST_FIRST_ADD ? message : GUEST_FIRST_ADD](
			guest, (unsigned int)message, written);
	}
	if (outcome == VBALLOON_COLLECT_BROKEN)
		vballoon_guest_fail(guest, VBALLOON_GUEST_BAD_RING);
}

bool vballoon_guest_queues_settle(struct vballoon_guest *guest)
{
	bool more = false;

	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++) {
		struct vballoon_driver_ring *ring = &guest->rings[i].ring;

		if (vballoon_driver_ring_should_kick(ring))
			guest->config.ops->notify(guest->config.context, i);
		more |= vballoon_driver_ring_interrupts(ring, true);
	}
	return more;
}

/* Keeps DRV-RING-1. */
void vballoon_guest_send(struct vballoon_guest *guest, unsigned int message, const void *out,
			 size_t out_len, const void *in, size_t in_len)
{
	const struct vballoon_driver_buffer buffers[] = {
		{ gpa_of(guest, out), (uint32_t)out_len, false },
		{ gpa_of(guest, in_len ? in : out), (uint32_t)in_len, true },
	};

	/* From here on what it names is with the device, or recalled. */
	guest->in_flight[message] = true;
	guest->in_flight_count++;
	/* There is room for each: only the device can have spoilt the ring. */
	if (vballoon_driver_ring_post(&guest->rings[TODEV].ring, buffers, in_len ? 2 : 1, message))
		vballoon_guest_fail(guest, VBALLOON_GUEST_BAD_RING);
}
