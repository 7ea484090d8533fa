/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/driver.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/entry.h"
#include "base/le.h"
#include "conformance/kind.h"

#define REQUEST_BYTES sizeof(struct virtio_memory_balloon_req)
#define NEEDS_RESET 0x40U /* VIRTIO_CONFIG_S_NEEDS_RESET */

/* The most entries of a withdraw that takes everything. */
#define TAKE_ENTRIES 1024U

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t place(const struct vballoon_trial *trial, uint64_t offset)
{
	return trial->layout.base + offset;
}

static void post_request(struct vballoon_trial *trial, uint64_t index)
{
	struct vballoon_driver_buffer buffer = {
		vballoon_gpa(place(trial, VBALLOON_PLACE_REQUESTS + index * REQUEST_BYTES)),
		REQUEST_BYTES, true
	};
	int ret = vballoon_driver_ring_post(&trial->front_end.queues[FROMDEVQ].driver, &buffer, 1,
					    index);

	vballoon_require(trial, !ret, "a request buffer does not fit: %s", strerror(-ret));
}

void vballoon_driver_begin(struct vballoon_trial *trial)
{
	for (unsigned int i = 0; i < VBALLOON_DRIVER_REQUESTS; i++)
		post_request(trial, i);
	vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, FROMDEVQ), "a kick");
}

void vballoon_driver_post_chain(struct vballoon_trial *trial, unsigned int queue,
				const struct vballoon_driver_buffer *buffers, unsigned int count)
{
	int ret = vballoon_driver_ring_post(&trial->front_end.queues[queue].driver, buffers, count,
					    0);

	vballoon_require(trial, !ret, "a message does not fit: %s", strerror(-ret));
	vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, queue), "a kick");
}

void vballoon_driver_post_on(struct vballoon_trial *trial, unsigned int queue, const void *readable,
			     uint32_t readable_len, uint32_t writable_len)
{
	struct vballoon_driver_buffer buffers[2];
	unsigned int count = 0;

	if (readable_len) {
		memcpy(vballoon_trial_at(trial, place(trial, VBALLOON_PLACE_READABLE)), readable,
		       readable_len);
		buffers[count++] = (struct vballoon_driver_buffer){
			vballoon_gpa(place(trial, VBALLOON_PLACE_READABLE)), readable_len, false
		};
	}
	if (writable_len)
		buffers[count++] = (struct vballoon_driver_buffer){
			vballoon_gpa(place(trial, VBALLOON_PLACE_WRITABLE)), writable_len, true
		};
	vballoon_driver_post_chain(trial, queue, buffers, count);
}

void vballoon_driver_post(struct vballoon_trial *trial, const void *readable, uint32_t readable_len,
			  uint32_t writable_len)
{
	vballoon_driver_post_on(trial, TODEVQ, readable, readable_len, writable_len);
}

/* Wait until a queue's call, or @other, comes: false when @until has passed. */
static bool wait_for(struct vballoon_trial *trial, unsigned int queue, int other, int64_t until)
{
	struct pollfd events[] = {
		{ .fd = trial->front_end.queues[queue].call, .events = POLLIN },
		{ .fd = other, .events = POLLIN },
		{ .fd = trial->front_end.link.socket, .events = POLLIN },
	};
	int64_t left = until - now_ms();
	char byte;

	if (left <= 0 || poll(events, 3, (int)left) <= 0)
		return false;
	if (events[2].revents &&
	    recv(trial->front_end.link.socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		vballoon_trial_end(trial, VBALLOON_WEDGED, "it has closed the connection");
	vballoon_front_end_event_raised(events[0].fd);
	return true;
}

/* Collect from a queue: 1; 0 when nothing comes until then. A ring that the device has
 * spoilt fails the trial. */
static int collect(struct vballoon_trial *trial, unsigned int queue, int64_t until,
		   uint64_t *token_out, uint32_t *written_out)
{
	struct vballoon_driver_ring *ring = &trial->front_end.queues[queue].driver;
	int outcome;

	do {
		outcome = vballoon_driver_ring_collect(ring, token_out, written_out);
		/* With EVENT_IDX a driver says at which it wants to be interrupted next. */
		if (outcome == VBALLOON_COLLECT_NONE && vballoon_driver_ring_interrupts(ring, true))
			outcome = vballoon_driver_ring_collect(ring, token_out, written_out);
	} while (outcome == VBALLOON_COLLECT_NONE && wait_for(trial, queue, -1, until));
	vballoon_require(trial, outcome != VBALLOON_COLLECT_BROKEN,
			 "queue %u came back with an index, an id or a length that cannot be",
			 queue);
	return outcome == VBALLOON_COLLECT_ONE;
}

bool vballoon_driver_collect(struct vballoon_trial *trial, unsigned int queue, uint64_t *token_out,
			     uint32_t *written_out)
{
	return collect(trial, queue, now_ms() + trial->setting->patience_ms, token_out,
		       written_out);
}

uint32_t vballoon_driver_answer(struct vballoon_trial *trial)
{
	uint64_t token;
	uint32_t written;

	if (!vballoon_driver_collect(trial, TODEVQ, &token, &written))
		vballoon_trial_end(trial, VBALLOON_WEDGED, "a message was not answered in %d ms",
				   trial->setting->patience_ms);
	return written;
}

uint32_t vballoon_driver_say(struct vballoon_trial *trial, const void *readable,
			     uint32_t readable_len, uint32_t writable_len)
{
	vballoon_driver_post(trial, readable, readable_len, writable_len);
	return vballoon_driver_answer(trial);
}

const void *vballoon_driver_said(struct vballoon_trial *trial)
{
	return vballoon_trial_at(trial, place(trial, VBALLOON_PLACE_WRITABLE));
}

uint32_t vballoon_driver_unit(struct vballoon_trial *trial, uint32_t more)
{
	uint32_t unit_shift = trial->facts->config.page_shift + more;

	if (unit_shift > VIRTIO_MEMORY_BALLOON_SHIFT_MAX)
		vballoon_trial_end(trial, VBALLOON_SKIP, "a unit of %u pages would be too large",
				   1U << more);
	return unit_shift;
}

uint64_t vballoon_driver_hello_again(struct vballoon_trial *trial, uint32_t flags)
{
	struct virtio_memory_balloon_hello hello = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO),
		.msg.flags = vballoon_le32(flags),
		.epoch = vballoon_le64(trial->epoch),
		.unit_shift = vballoon_le32(trial->unit_shift),
	};
	struct virtio_memory_balloon_hello_answer answer;
	uint32_t written = vballoon_driver_say(trial, &hello, sizeof(hello), sizeof(answer));

	vballoon_require(trial, written == sizeof(answer), "HELLO was answered with %u bytes",
			 written);
	memcpy(&answer, vballoon_driver_said(trial), sizeof(answer));
	return vballoon_le64(answer.held);
}

uint64_t vballoon_driver_hello(struct vballoon_trial *trial, uint32_t unit_shift, uint32_t flags)
{
	trial->epoch = trial->epoch * 6364136223846793005 + 1442695040888963407;
	trial->unit_shift = unit_shift;
	return vballoon_driver_hello_again(trial, flags);
}

void vballoon_driver_add(struct vballoon_trial *trial, const uint64_t *entries, uint32_t count,
			 uint8_t *verdicts, uint32_t room)
{
	struct {
		struct virtio_memory_balloon_msg msg;
		uint64_t entries[TAKE_ENTRIES];
	} add = { .msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD) };
	uint32_t expected = room < count ? room : count;
	uint32_t written;

	for (uint32_t i = 0; i < count; i++)
		add.entries[i] = vballoon_le64(entries[i]);
	written = vballoon_driver_say(
		trial, &add, (uint32_t)(sizeof(add.msg) + count * sizeof(entries[0])), room);
	vballoon_require(trial, written == expected,
			 "an ADD of %u entries with room for %u was answered with %u bytes", count,
			 room, written);
	if (written)
		memcpy(verdicts, vballoon_driver_said(trial), written);
}

uint8_t vballoon_driver_add_one(struct vballoon_trial *trial, uint64_t entry)
{
	uint8_t verdict;

	vballoon_driver_add(trial, &entry, 1, &verdict, 1);
	return verdict;
}

void vballoon_driver_give(struct vballoon_trial *trial, unsigned int first, unsigned int count)
{
	for (unsigned int i = first; i < first + count; i++)
		vballoon_require(trial,
				 vballoon_driver_add_one(trial, vballoon_trial_page(trial, i)) ==
					 VIRTIO_MEMORY_BALLOON_ACCEPTED,
				 "page %u of the balloon was refused", i);
}

uint32_t vballoon_driver_withdraw(struct vballoon_trial *trial, uint64_t most, uint32_t flags,
				  uint64_t *entries, uint32_t room)
{
	struct virtio_memory_balloon_withdraw withdraw = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
		.msg.flags = vballoon_le32(flags),
		.most = vballoon_le64(most),
	};
	uint32_t written = vballoon_driver_say(trial, &withdraw, sizeof(withdraw),
					       room * (uint32_t)sizeof(*entries));
	const uint64_t *said = vballoon_driver_said(trial);

	vballoon_require(trial, written % sizeof(*entries) == 0,
			 "a WITHDRAW was answered with %u bytes, no whole number of entries",
			 written);
	for (uint32_t i = 0; i < written / sizeof(*entries); i++)
		entries[i] = vballoon_le64(said[i]);
	return written / (uint32_t)sizeof(*entries);
}

uint64_t vballoon_driver_entry_pages(const struct vballoon_trial *trial, uint64_t entry)
{
	struct vballoon_entry_format format = {
		.page_shift = trial->facts->config.page_shift,
		.unit_shift = trial->unit_shift,
		.runs = vballoon_trial_has(trial, VBALLOON_F(PAGE_RUNS)),
	};

	return vballoon_entry_decode(&format, entry).units
	       << (format.unit_shift - format.page_shift);
}

void vballoon_driver_take_all(struct vballoon_trial *trial, uint64_t pages)
{
	uint64_t entries[TAKE_ENTRIES];
	uint64_t taken = 0;
	uint32_t count = vballoon_driver_withdraw(trial, UINT64_MAX, 0, entries, TAKE_ENTRIES);

	for (uint32_t i = 0; i < count; i++)
		taken += vballoon_driver_entry_pages(trial, entries[i]);
	vballoon_require(trial, taken == pages, "of %llu pages in the balloon %llu came back",
			 (unsigned long long)pages, (unsigned long long)taken);
}

/* The next request: false when none comes until then. Its buffer is posted again. */
static bool next_request(struct vballoon_trial *trial, int64_t until,
			 struct virtio_memory_balloon_req *request)
{
	uint64_t token;
	uint32_t written;

	if (!collect(trial, FROMDEVQ, until, &token, &written))
		return false;
	vballoon_require(trial, written == sizeof(*request), "a request of %u bytes", written);
	memcpy(request,
	       vballoon_trial_at(trial,
				 place(trial, VBALLOON_PLACE_REQUESTS + token * sizeof(*request))),
	       sizeof(*request));
	request->type = vballoon_le32(request->type);
	request->flags = vballoon_le32(request->flags);
	request->value = vballoon_le64(request->value);
	if (request->type != VIRTIO_MEMORY_BALLOON_REQ_RESET) {
		post_request(trial, token);
		vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, FROMDEVQ),
				     "a kick");
	}
	return true;
}

static const char *request_name(uint32_t type)
{
	static const char *const names[] = { "RESIZE", "STATS", "REPORT", "HELLO", "RESET" };

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "request of no known type";
}

void vballoon_driver_await(struct vballoon_trial *trial, uint32_t type,
			   struct virtio_memory_balloon_req *request_out)
{
	int64_t until = now_ms() + trial->setting->patience_ms;

	while (next_request(trial, until, request_out)) {
		if (request_out->type == type)
			return;
		vballoon_require(trial, request_out->type != VIRTIO_MEMORY_BALLOON_REQ_RESET,
				 "it asks for a reset where it should send %s", request_name(type));
	}
	vballoon_trial_fail(trial, "no %s came in %d ms", request_name(type),
			    trial->setting->patience_ms);
}

void vballoon_driver_await_event(struct vballoon_trial *trial, int event)
{
	int64_t until = now_ms() + trial->setting->patience_ms;

	while (!vballoon_front_end_event_raised(event)) {
		if (!wait_for(trial, FROMDEVQ, event, until))
			vballoon_trial_end(trial, VBALLOON_WEDGED, "a chain was not used in %d ms",
					   trial->setting->patience_ms);
	}
}

void vballoon_driver_expect_silence(struct vballoon_trial *trial, unsigned int queue)
{
	struct vballoon_driver_ring *ring = &trial->front_end.queues[queue].driver;
	int64_t until = now_ms() + trial->setting->grace_ms;
	uint64_t token;
	uint32_t written;
	bool more;

	/* And once more when the time is over: what is used need not be announced. */
	do {
		more = wait_for(trial, queue, -1, until);
		vballoon_require(trial,
				 vballoon_driver_ring_collect(ring, &token, &written) ==
					 VBALLOON_COLLECT_NONE,
				 "a device that has to be silent has used a buffer of queue %u",
				 queue);
	} while (more);
}

/* Whether the status says that the device needs a reset. */
static bool status_says_so(struct vballoon_trial *trial)
{
	uint64_t status;
	int ret;

	if (!(trial->protocol_features & VBALLOON_BIT(VHOST_USER_PROTOCOL_F_STATUS)))
		return false;
	ret = vballoon_link_get_u64(&trial->front_end.link, VHOST_USER_GET_STATUS, &status);
	vballoon_trial_check(trial, ret, "GET_STATUS");
	return status & NEEDS_RESET;
}

/* By a RESET, the queue's error, or its status: DEV-BAD-3, DEV-BAD-4. */
bool vballoon_driver_is_stopped(struct vballoon_trial *trial, unsigned int queue, int grace_ms)
{
	int64_t until = now_ms() + grace_ms;
	bool requests = trial->facts->kind->requests && queue != FROMDEVQ;
	struct virtio_memory_balloon_req request;
	int err = trial->front_end.queues[queue].err;

	do {
		while (requests && next_request(trial, 0, &request)) {
			if (request.type == VIRTIO_MEMORY_BALLOON_REQ_RESET)
				return true;
		}
		if (vballoon_front_end_event_raised(err))
			return true;
	} while (wait_for(trial, FROMDEVQ, err, until));
	return status_says_so(trial);
}

void vballoon_driver_expect_stop(struct vballoon_trial *trial, unsigned int queue)
{
	struct virtio_memory_balloon_msg add = { .type = vballoon_le32(
							 VIRTIO_MEMORY_BALLOON_MSG_ADD) };
	unsigned int answering = trial->facts->kind->requests ? TODEVQ : queue;
	struct vballoon_driver_ring *ring = &trial->front_end.queues[answering].driver;
	uint64_t token;
	uint32_t written;
	bool told = vballoon_driver_is_stopped(trial, queue, trial->setting->grace_ms);

	if (queue == answering)
		vballoon_require(trial,
				 vballoon_driver_ring_collect(ring, &token, &written) ==
					 VBALLOON_COLLECT_NONE,
				 "it was answered, where the device has to stop");
	if (told)
		return;
	/* It need not say so: then it shows in that nothing is answered any more. */
	if (queue != answering)
		vballoon_driver_post(trial, &add, sizeof(add), 0);
	vballoon_driver_expect_silence(trial, answering);
}

void vballoon_driver_expect_reset(struct vballoon_trial *trial)
{
	int64_t until = now_ms() + trial->setting->patience_ms;
	struct virtio_memory_balloon_req request;

	while (next_request(trial, until, &request)) {
		if (request.type == VIRTIO_MEMORY_BALLOON_REQ_RESET)
			return;
	}
	vballoon_trial_fail(trial, "a device that has stopped sends no RESET");
}
