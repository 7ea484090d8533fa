// SPDX-License-Identifier: BSD-3-Clause
#include "guest_driver.h"

#include <inttypes.h>
#include <string.h>

#include <vballoon/abi/memory_balloon.h>

#include "base/le.h"
#include "guest_answer.h"
#include "guest_exchange.h"
#include "guest_report.h"
#include "guest_send.h"

#define REQUEST_BYTES 32

/* How the driver's memory is laid out, in bytes. */
#define MESSAGES_OFFSET (2 * GUEST_QUEUE_BYTES)
#define REQUESTS_OFFSET (MESSAGES_OFFSET + MESSAGE_COUNT * GUEST_MESSAGE_BYTES)
#define TABLES_OFFSET (REQUESTS_OFFSET + GUEST_DRIVER_REQUESTS * REQUEST_BYTES)
_Static_assert(TABLES_OFFSET + MESSAGE_COUNT * GUEST_QUEUE_TABLE_BYTES <= GUEST_OS_KERNEL_BYTES,
	       "the driver's memory is too small");

/* A bit whose prerequisite is missing counts as not negotiated. */
bool guest_driver_has(const struct guest_driver *driver, unsigned int bit)
{
	if (bit == VIRTIO_MEMORY_BALLOON_F_REPORTING &&
	    !guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS))
		return false;
	return driver->features & (UINT64_C(1) << bit);
}

uint32_t guest_driver_unit_pages(const struct guest_driver *driver)
{
	return UINT32_C(1) << (driver->plan->unit_shift - driver->plan->page_shift);
}

static struct guest_buffer place(const struct guest_driver *driver, uint32_t offset)
{
	const struct guest_os *os = driver->os;

	return (struct guest_buffer){
		machine_pointer(os->machine, os->kernel_first) + offset,
		machine_gpa(os->machine, os->kernel_first) + offset,
	};
}

static void start_queue(struct guest_driver *driver, unsigned int index, uint16_t first)
{
	struct vballoon_ring_features features = vballoon_ring_features(driver->features);
	uint16_t size = (uint16_t)(16u << rng_below(driver->rng, 3));

	if (features.packed)
		size = (uint16_t)rng_between(driver->rng, 16, PLAN_QUEUE_SIZE_MAX);
	guest_queue_start(&driver->queues[index], place(driver, index * GUEST_QUEUE_BYTES), size,
			  first, features);
}

/* Most rings are new; some are old enough for a 16-bit index to wrap soon. Then
 * the other one is not new either, and does not wrap with it. */
static void start_queues(struct guest_driver *driver)
{
	uint16_t first[2] = { 0 };

	if (rng_chance(driver->rng, 40)) {
		uint32_t wrapping = rng_below(driver->rng, 2);

		first[wrapping] = (uint16_t)rng_between(driver->rng, 65500, 65535);
		first[!wrapping] = (uint16_t)rng_between(driver->rng, 1, 60000);
	}
	start_queue(driver, VIRTIO_MEMORY_BALLOON_VQ_FROMDEV, first[0]);
	start_queue(driver, VIRTIO_MEMORY_BALLOON_VQ_TODEV, first[1]);
}

static bool own_load(struct guest_driver *driver, uint64_t features)
{
	if (!guest_os_take_kernel_memory(driver->os))
		return false;
	driver->features = features;
	start_queues(driver);
	memset(driver->messages, 0, sizeof(driver->messages));
	for (uint32_t i = 0; i < MESSAGE_COUNT; i++) {
		driver->messages[i].buffer =
			place(driver, MESSAGES_OFFSET + i * GUEST_MESSAGE_BYTES);
		driver->messages[i].table =
			place(driver, TABLES_OFFSET + i * GUEST_QUEUE_TABLE_BYTES);
	}
	vballoon_decide_init(&driver->decide, guest_driver_unit_pages(driver));
	if (driver->mutant != MUTANT_GUEST_REUSES_EPOCH || !driver->epoch)
		driver->epoch = rng_next(driver->rng) | 1;
	driver->hello_wanted = true;
	if (driver->mutant == MUTANT_GUEST_SKIPS_HELLO && driver->lives)
		driver->hello_wanted = !vballoon_decide_greeted(&driver->decide, 0);
	driver->start_over = false;
	driver->stats_wanted = false;
	driver->period_ms = 0;
	driver->no_record = false;
	driver->round = 0;
	driver->ask_after_ms = 0;
	driver->reset_wanted = false;
	memset(driver->kick, 0, sizeof(driver->kick));
	memset(driver->orphan, 0, sizeof(driver->orphan));
	driver->orphan_count = 0;
	driver->queue_mask = 3;
	driver->loaded = true;
	driver->lives++;
	return true;
}

void guest_driver_kick(struct guest_driver *driver, unsigned int queue)
{
	if (!vballoon_driver_ring_should_kick(driver->queues[queue].ring))
		return;
	if (driver->mutant == MUTANT_GUEST_FORGETS_KICK && rng_chance(driver->rng, 10))
		return;
	driver->kick[queue] = true;
}

static void post_request(struct guest_driver *driver, uint64_t token)
{
	struct guest_queue *queue = &driver->queues[VIRTIO_MEMORY_BALLOON_VQ_FROMDEV];
	uint32_t room =
		rng_between(driver->rng, sizeof(struct virtio_memory_balloon_req), REQUEST_BYTES);

	/* Without room the buffer is simply not posted; one always is. */
	guest_queue_post(queue, driver->rng, driver->requests[token], 0, room, NULL, 0, token);
	guest_driver_kick(driver, VIRTIO_MEMORY_BALLOON_VQ_FROMDEV);
}

static void own_ready(struct guest_driver *driver)
{
	driver->request_count = rng_between(driver->rng, 1, GUEST_DRIVER_REQUESTS / 2);
	for (uint32_t i = 0; i < driver->request_count; i++) {
		driver->requests[i] = place(driver, REQUESTS_OFFSET + i * REQUEST_BYTES);
		post_request(driver, i);
	}
}

void guest_driver_unload(struct guest_driver *driver)
{
	driver->loaded = false;
	driver->reset_wanted = false;
	guest_os_drop_kernel_memory(driver->os);
	guest_os_deflate_all(driver->os);
}

/* What a STATS request says of pushing. */
static void take_period(struct guest_driver *driver, uint64_t value)
{
	if (!guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_PUSH_STATS)) {
		if (value && !driver->oracle->lenient)
			trace_fail(driver->trace, "a period for a driver that does not push");
	} else if (value > UINT32_MAX) {
		if (!driver->oracle->lenient)
			trace_fail(driver->trace, "a period of more than 32 bits");
	} else if (value != VIRTIO_MEMORY_BALLOON_STATS_PERIOD_SAME) {
		driver->period_ms = value && value < 250 ? 250 : (uint32_t)value;
		driver->push_due_ms = driver->now_ms + driver->period_ms;
	}
}

static void take_report(struct guest_driver *driver, uint64_t id)
{
	if (!guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_REPORTING)) {
		if (!driver->oracle->lenient)
			trace_fail(driver->trace, "a round of a driver that does not report");
		return;
	}
	driver->round = id;
	driver->round_left = rng_below(driver->rng, 4);
}

static void take_request(struct guest_driver *driver, const struct guest_buffer *buffer)
{
	struct virtio_memory_balloon_req req;
	uint64_t value;

	memcpy(&req, buffer->at, sizeof(req));
	value = vballoon_le64(req.value);
	trace_event(driver->trace, "request", vballoon_le32(req.type), value);
	switch (vballoon_le32(req.type)) {
	case VIRTIO_MEMORY_BALLOON_REQ_RESIZE:
		vballoon_decide_resize(&driver->decide, value);
		driver->ask_after_ms = 0;
		break;
	case VIRTIO_MEMORY_BALLOON_REQ_STATS:
		driver->stats_wanted = true;
		driver->stats_cookie = vballoon_le32(req.flags);
		take_period(driver, value);
		break;
	case VIRTIO_MEMORY_BALLOON_REQ_REPORT:
		take_report(driver, value);
		break;
	case VIRTIO_MEMORY_BALLOON_REQ_HELLO:
		driver->hello_wanted = true;
		vballoon_decide_ask_held(&driver->decide);
		break;
	case VIRTIO_MEMORY_BALLOON_REQ_RESET:
		driver->reset_wanted = true;
		break;
	default: /* "A driver ignores request types it does not know." */
		if (!driver->oracle->lenient)
			trace_fail(driver->trace, "an unknown request");
	}
}

/* One used buffer of @queue. */
static void take(struct guest_driver *driver, unsigned int queue, uint64_t token, uint32_t written)
{
	if (queue == VIRTIO_MEMORY_BALLOON_VQ_TODEV) {
		guest_answer_take(driver, &driver->messages[token], written);
		return;
	}
	if (written == sizeof(struct virtio_memory_balloon_req))
		take_request(driver, &driver->requests[token]);
	/* One that could not be written comes unwritten, when the device is to go on without. */
	else if (!driver->oracle->lenient && (written || !driver->oracle->may_stop))
		trace_fail(driver->trace, "a request of %" PRIu32 " bytes", written);
	post_request(driver, token);
}

static void own_interrupt(struct guest_driver *driver, unsigned int queue)
{
	struct vballoon_driver_ring *ring = driver->queues[queue].ring;
	uint32_t written;
	uint64_t token;
	int outcome;

	if (!driver->loaded || ring->broken)
		return;
	do {
		vballoon_driver_ring_interrupts(ring, false);
		while ((outcome = vballoon_driver_ring_collect(ring, &token, &written)) ==
		       VBALLOON_COLLECT_ONE) {
			driver->queues[queue].collected++;
			take(driver, queue, token, written);
		}
		if (outcome == VBALLOON_COLLECT_BROKEN) {
			if (!driver->oracle->lenient)
				trace_fail(driver->trace, "the device broke queue %u", queue);
			driver->reset_wanted = true;
			return;
		}
	} while (vballoon_driver_ring_interrupts(ring, true));
}

bool guest_driver_busy(const struct guest_driver *driver)
{
	for (unsigned int i = 0; i < MESSAGE_COUNT; i++) {
		if (driver->messages[i].in_flight)
			return true;
	}
	return false;
}

static bool own_work(struct guest_driver *driver)
{
	struct vballoon_decision decision;

	if (!driver->loaded || driver->reset_wanted)
		return false;
	if (driver->hello_wanted)
		return guest_send_hello(driver);
	/* Nothing overtakes the HELLO: the epoch must be known first. */
	if (driver->messages[MESSAGE_HELLO].in_flight)
		return false;
	if (driver->stats_wanted && guest_send_stats(driver))
		return true;
	if (guest_send_pushed_stats(driver) || guest_report_round(driver))
		return true;
	decision = vballoon_decide_next(&driver->decide, driver->now_ms);
	if (decision.action == VBALLOON_DECIDE_ADD)
		return guest_send_add(driver, decision.pages);
	guest_send_no_orphans(driver);
	if (decision.action == VBALLOON_DECIDE_WITHDRAW)
		return guest_send_withdraw(driver, decision.pages, false);
	return false;
}

static void own_doubt(struct guest_driver *driver)
{
	driver->no_record = true;
	driver->messages[MESSAGE_REPORT].passed_over = true;
	driver->messages[MESSAGE_HELLO].passed_over = true;
}

static void own_stir(struct guest_driver *driver)
{
	if (!driver->loaded || driver->reset_wanted || driver->hello_wanted ||
	    driver->messages[MESSAGE_HELLO].in_flight)
		return;
	if (rng_chance(driver->rng, 50))
		guest_exchange_send(driver);
	else
		guest_report_send(driver);
}

static uint64_t own_wait_ms(const struct guest_driver *driver)
{
	struct vballoon_decision decision = vballoon_decide_next(&driver->decide, driver->now_ms);

	return decision.action == VBALLOON_DECIDE_IDLE ? decision.wait_ms : 0;
}

void guest_driver_greet(struct guest_driver *driver, bool start_over)
{
	if (!driver->loaded || driver->hello_wanted || driver->messages[MESSAGE_HELLO].in_flight)
		return;
	driver->hello_wanted = true;
	driver->start_over = start_over;
	vballoon_decide_ask_held(&driver->decide);
}

static void own_pressure(struct guest_driver *driver, uint64_t pages)
{
	if (!driver->loaded || driver->reset_wanted || driver->hello_wanted ||
	    driver->messages[MESSAGE_HELLO].in_flight || !pages)
		return;
	vballoon_decide_pressure(&driver->decide, driver->now_ms);
	guest_send_withdraw(driver, pages, true);
}

static uint32_t own_answers(void *context)
{
	struct guest_driver *driver = context;

	return driver->loaded ? guest_queue_answers(&driver->queues[VIRTIO_MEMORY_BALLOON_VQ_TODEV])
			      : 0;
}

static bool own_busy(const struct guest_driver *driver)
{
	return guest_driver_busy(driver) || driver->hello_wanted;
}

static const struct vballoon_decide *own_decide(const struct guest_driver *driver)
{
	return &driver->decide;
}

const struct guest_kind guest_own = {
	.load = own_load,
	.ready = own_ready,
	.interrupt = own_interrupt,
	.work = own_work,
	.wait_ms = own_wait_ms,
	.doubt = own_doubt,
	.stir = own_stir,
	.pressure = own_pressure,
	.busy = own_busy,
	.decide = own_decide,
	.news = guest_answer_news,
	.answers = own_answers,
};
