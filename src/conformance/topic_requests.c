/* SPDX-License-Identifier: BSD-3-Clause */
/* fromdevq: what the device asks, and buffers that it cannot ask with. */
#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "conformance/driver.h"
#include "conformance/topics.h"

#define REQUEST ((uint32_t)sizeof(struct virtio_memory_balloon_req))
#define BUFFERS_MAX 3U

/* A buffer for a request: what the device may write in what pieces, or may not. */
struct buffer_row {
	struct {
		uint64_t place; /* from layout.base on; HOLE: in the hole of guest memory */
		uint32_t len;
		bool device_writes;
	} piece[BUFFERS_MAX];
};

#define HOLE UINT64_MAX
#define SPARE (VBALLOON_PLACE_REQUESTS + 0x1000)

static void post(struct vballoon_trial *trial, const struct buffer_row *row)
{
	struct vballoon_driver_buffer buffers[BUFFERS_MAX];
	unsigned int count;
	int ret;

	for (count = 0; count < BUFFERS_MAX && row->piece[count].len; count++) {
		uint64_t gpa = row->piece[count].place == HOLE
				       ? trial->layout.hole
				       : trial->layout.base + row->piece[count].place;

		buffers[count] =
			(struct vballoon_driver_buffer){ vballoon_gpa(gpa), row->piece[count].len,
							 row->piece[count].device_writes };
	}
	ret = vballoon_driver_ring_post(&trial->front_end.queues[FROMDEVQ].driver, buffers, count,
					VBALLOON_DRIVER_REQUESTS);
	vballoon_require(trial, !ret, "a request buffer does not fit: %s", strerror(-ret));
	vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, FROMDEVQ), "a kick");
}

/* Have RESIZE sent until the buffers before the last one are used up, and once more. */
static void ask_for_requests(struct vballoon_trial *trial, unsigned int count)
{
	struct virtio_memory_balloon_req request;

	for (unsigned int i = 0; i < count; i++) {
		vballoon_driver_hello_again(trial, VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
		vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, &request);
	}
	vballoon_driver_hello_again(trial, VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
}

static void stops(struct vballoon_trial *trial, const void *how)
{
	post(trial, how);
	ask_for_requests(trial, VBALLOON_DRIVER_REQUESTS);
	vballoon_driver_expect_stop(trial, FROMDEVQ);
}

/* A buffer of an odd shape gets its request, and no byte behind it. */
static void gets_a_request(struct vballoon_trial *trial, const void *how)
{
	const struct buffer_row *row = how;
	const uint64_t spare = trial->layout.base + SPARE;
	unsigned char *at = vballoon_trial_at(trial, spare);
	struct virtio_memory_balloon_req request;
	uint64_t token;
	uint32_t written;

	memset(at, 0x66, 256);
	post(trial, row);
	ask_for_requests(trial, VBALLOON_DRIVER_REQUESTS);
	vballoon_require(trial, vballoon_driver_collect(trial, FROMDEVQ, &token, &written),
			 "no request came");
	vballoon_require(trial, token == VBALLOON_DRIVER_REQUESTS && written == REQUEST,
			 "buffer %llu came back with %u bytes", (unsigned long long)token, written);
	memcpy(&request, at, row->piece[0].len < REQUEST ? row->piece[0].len : REQUEST);
	vballoon_require(trial, !request.type, "it holds no RESIZE");
	for (unsigned int i = 64; i < 256; i++)
		vballoon_require(trial, at[i] == 0x66, "a byte behind the request was written");
}

static void resize_has_a_target(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_req request;
	uint64_t pages = (trial->layout.end - trial->layout.base) / trial->layout.page;

	(void)how;
	vballoon_driver_hello(trial, trial->facts->config.page_shift, 0);
	vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, &request);
	vballoon_require(trial, !request.flags, "RESIZE has flags 0x%x", request.flags);
	vballoon_require(trial, request.value <= pages,
			 "it asks for %llu pages of a guest that has %llu",
			 (unsigned long long)request.value, (unsigned long long)pages);
}

static void nothing_before_hello(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_expect_silence(trial, FROMDEVQ);
}

static void nothing_without_a_cause(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 4);
	vballoon_driver_take_all(trial, 4);
	vballoon_driver_expect_silence(trial, FROMDEVQ);
}

/* Both queues run and no buffer is there: what waited is one RESIZE, however often it was
 * due. */
static void one_resize_waits(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_req request;
	unsigned int i;

	(void)how;
	vballoon_trial_start_queues(trial);
	vballoon_driver_hello(trial, trial->facts->config.page_shift, 0);
	for (i = 0; i < 3; i++)
		vballoon_driver_hello_again(trial, VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
	vballoon_driver_begin(trial);
	vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, &request);
	vballoon_driver_expect_silence(trial, FROMDEVQ);
}

/* Requests of a device that has seen HELLO refused wait for buffers, and no message does. */
static void messages_need_no_buffers(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_trial_start_queues(trial);
	vballoon_driver_hello(trial, trial->facts->config.page_shift, 0);
	vballoon_driver_give(trial, 0, 2);
	vballoon_driver_take_all(trial, 2);
	vballoon_driver_begin(trial);
}

#define ROW(...)                                                                                   \
	&(const struct buffer_row)                                                                 \
	{                                                                                          \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define STOPS(its_name, its_clause, ...)                                                           \
	{                                                                                          \
		its_name, its_clause, stops, ROW(__VA_ARGS__), true, VBALLOON_STAGE_GREETED, 0, 0  \
	}
#define TAKEN(its_name, its_clause, ...)                                                           \
	{                                                                                          \
		its_name, its_clause, gets_a_request, ROW(__VA_ARGS__), false,                     \
			VBALLOON_STAGE_GREETED, 0, 0                                               \
	}
#define DOES(its_name, its_clause, function, its_stage)                                            \
	{                                                                                          \
		its_name, its_clause, function, NULL, false, its_stage, 0, 0                       \
	}

static const struct vballoon_case cases[] = {
	DOES("resize-has-a-target", "DEV-REQ-2", resize_has_a_target, VBALLOON_STAGE_RUNNING),
	DOES("target-within-memory", "DEV-REQ-10", resize_has_a_target, VBALLOON_STAGE_RUNNING),
	DOES("nothing-before-hello", "DEV-REQ-7", nothing_before_hello, VBALLOON_STAGE_RUNNING),
	DOES("nothing-without-a-cause", "DEV-REQ-11", nothing_without_a_cause,
	     VBALLOON_STAGE_GREETED),
	DOES("one-resize-waits", "DEV-REQ-3", one_resize_waits, VBALLOON_STAGE_NEGOTIATED),
	DOES("messages-need-no-buffers", "DEV-REQ-4", messages_need_no_buffers,
	     VBALLOON_STAGE_NEGOTIATED),
	TAKEN("buffer-of-16-bytes", "DEV-REQ-1", { SPARE, 16, true }),
	TAKEN("buffer-of-64-bytes", "DEV-REQ-1", { SPARE, 64, true }),
	TAKEN("buffer-in-two-pieces", "DEV-MSG-2", { SPARE, 8, true }, { SPARE + 8, 8, true }),
	TAKEN("buffer-in-three-pieces", "DEV-MSG-2", { SPARE, 4, true }, { SPARE + 4, 1, true },
	      { SPARE + 5, 11, true }),

	STOPS("buffer-of-one-byte", "DEV-REQ-5", { SPARE, 1, true }),
	STOPS("buffer-less-a-byte", "DEV-REQ-5", { SPARE, 15, true }),
	STOPS("pieces-less-a-byte", "DEV-REQ-5", { SPARE, 8, true }, { SPARE + 8, 7, true }),
	STOPS("buffer-that-is-readable", "DEV-REQ-6", { SPARE, 16, false }),
	STOPS("readable-piece-before-it", "DEV-REQ-6", { SPARE, 8, false },
	      { SPARE + 8, 16, true }),
	STOPS("buffer-in-a-hole", "DEV-RING-11", { HOLE, 16, true }),
	STOPS("second-piece-in-a-hole", "DEV-RING-11", { SPARE, 8, true }, { HOLE, 8, true }),
};

VBALLOON_TOPIC(vballoon_topic_requests, "requests", VBALLOON_RING_ANY,
	       "fromdevq: what the device asks", cases);
