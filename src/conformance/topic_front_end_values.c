/* SPDX-License-Identifier: BSD-3-Clause */
/* A front end that breaks the rules of vhost-user: queues, memory, features, the dirty log. */
#include <errno.h>

#include "conformance/kind.h"
#include "conformance/peer_message.h"
#include "conformance/topics.h"

#define PAIR VBALLOON_PEER_PAIR
#define GPA VBALLOON_PEER_GPA
#define SIZE VBALLOON_PEER_SIZE
#define USER VBALLOON_PEER_USER
#define BEHIND VBALLOON_PEER_BEHIND
#define LAST_PAGE VBALLOON_PEER_LAST_PAGE
#define MEMORY VBALLOON_FD_MEMORY
#define NO_QUEUE VBALLOON_PEER_NO_QUEUE
#define NOFD VHOST_USER_VRING_NOFD

#define ROW(its_name, its_request, function, ...)                                                  \
	{                                                                                          \
		its_name, "vhost-user " #its_request, function,                                    \
			&(const struct vballoon_peer_row){ .request = VHOST_USER_##its_request,    \
							   __VA_ARGS__ },                          \
			true, VBALLOON_STAGE_NEGOTIATED, 0, 0                                      \
	}
#define IDLE(its_name, its_request, ...)                                                           \
	ROW(its_name, its_request, vballoon_peer_refuses, __VA_ARGS__)
#define RUNNING(its_name, its_request, ...) ROW(its_name, its_request, while_running, __VA_ARGS__)

static void while_running(struct vballoon_trial *trial, const void *how)
{
	vballoon_trial_start(trial);
	trial->facts->kind->greet(trial);
	vballoon_peer_refuses(trial, how);
}

/* By how many bytes the parts of a ring move that is in use. */
struct move {
	uint64_t desc, used, avail;
	unsigned int index;
};

/* A back end may decline, end the connection, or go along: it asks nothing of memory that is not
 * the guest's, and goes on with neither half a ring nor the next front end's. */
static void moves_while_running(struct vballoon_trial *trial, const void *how)
{
	struct vballoon_front_end *front_end = &trial->front_end;
	const struct move *move = how;
	struct vhost_user_vring_addr addr =
		vballoon_front_end_vring_addr(front_end, move->index, 0);
	uint64_t features;
	int ret;

	vballoon_trial_start(trial);
	trial->facts->kind->greet(trial);
	addr.desc += move->desc;
	addr.used += move->used;
	addr.avail += move->avail;
	(void)vballoon_link_send(&front_end->link, VHOST_USER_SET_VRING_ADDR, 0, &addr,
				 sizeof(addr), NULL, 0);
	(void)vballoon_front_end_kick(front_end, move->index);
	ret = vballoon_link_get_u64(&front_end->link, VHOST_USER_GET_FEATURES, &features);
	vballoon_require(trial, ret != -EAGAIN, "it neither answers nor ends the connection");
}

/* A queue that there is not, or a number that means nothing. */
#define STATE(its_name, its_request, index, num)                                                   \
	IDLE(its_name, its_request, .size = 8, .words = { PAIR(index, num) })
/* The same, where a back end may leave it at not running the queue. */
#define ODD(its_name, its_request, index, num)                                                     \
	IDLE(its_name, its_request, .size = 8, .words = { PAIR(index, num) }, .may_succeed = true)
/* One region of memory in a table. */
#define REGION(its_name, its_gpa, its_bytes, its_user, its_offset, ...)                            \
	IDLE(its_name, SET_MEM_TABLE, .size = 40,                                                  \
	     .words = { 1, its_gpa, its_bytes, its_user, its_offset }, .fds = { __VA_ARGS__ })
/* One that is added. */
#define ADDED(its_name, its_gpa, its_bytes, its_user, its_offset, ...)                             \
	IDLE(its_name, ADD_MEM_REG, .size = 40,                                                    \
	     .words = { 0, its_gpa, its_bytes, its_user, its_offset }, .fds = { __VA_ARGS__ })
/* Where the ring of queue 0 is said to be. */
#define RING(its_name, desc, used, avail)                                                          \
	IDLE(its_name, SET_VRING_ADDR, .size = 40, .words = { 0, desc, used, avail },              \
	     .may_succeed = true)
#define MOVES(its_name, ...)                                                                       \
	{                                                                                          \
		its_name, "vhost-user SET_VRING_ADDR", moves_while_running,                        \
			&(const struct move){ __VA_ARGS__ }, true, VBALLOON_STAGE_NEGOTIATED, 0, 0 \
	}

static const struct vballoon_case cases[] = {
	STATE("num-of-no-queue", SET_VRING_NUM, NO_QUEUE, 64),
	STATE("num-of-queue-all-ones", SET_VRING_NUM, UINT32_MAX, 64),
	STATE("base-of-no-queue", SET_VRING_BASE, NO_QUEUE, 0),
	STATE("base-asked-of-no-queue", GET_VRING_BASE, NO_QUEUE, 0),
	STATE("base-asked-of-queue-all-ones", GET_VRING_BASE, UINT32_MAX, 0),
	STATE("enable-no-queue", SET_VRING_ENABLE, NO_QUEUE, 1),
	STATE("enable-queue-all-ones", SET_VRING_ENABLE, UINT32_MAX, 1),
	STATE("enable-with-2", SET_VRING_ENABLE, 0, 2),
	STATE("enable-with-all-ones", SET_VRING_ENABLE, 0, UINT32_MAX),
	IDLE("addr-of-no-queue", SET_VRING_ADDR, .size = 40,
	     .words = { NO_QUEUE, USER, USER, USER }),
	IDLE("addr-of-queue-all-ones", SET_VRING_ADDR, .size = 40,
	     .words = { UINT32_MAX, USER, USER, USER }),
	IDLE("kick-of-no-queue", SET_VRING_KICK, .size = 8, .words = { NO_QUEUE },
	     .fds = { VBALLOON_FD_EVENT }),
	IDLE("kick-of-queue-255", SET_VRING_KICK, .size = 8, .words = { 255 },
	     .fds = { VBALLOON_FD_EVENT }),
	IDLE("call-of-no-queue", SET_VRING_CALL, .size = 8, .words = { NO_QUEUE },
	     .fds = { VBALLOON_FD_EVENT }),
	IDLE("err-of-no-queue", SET_VRING_ERR, .size = 8, .words = { NO_QUEUE },
	     .fds = { VBALLOON_FD_EVENT }),
	IDLE("kick-with-none-and-one", SET_VRING_KICK, .size = 8, .words = { NOFD },
	     .fds = { VBALLOON_FD_EVENT }),
	IDLE("call-with-none-and-one", SET_VRING_CALL, .size = 8, .words = { NOFD },
	     .fds = { VBALLOON_FD_EVENT }),
	IDLE("kick-that-is-a-file", SET_VRING_KICK, .size = 8, .fds = { MEMORY }),
	IDLE("kick-that-is-a-directory", SET_VRING_KICK, .size = 8,
	     .fds = { VBALLOON_FD_DIRECTORY }),
	IDLE("kick-that-is-a-pipe", SET_VRING_KICK, .size = 8, .fds = { VBALLOON_FD_PIPE },
	     .may_succeed = true),
	IDLE("kick-that-has-hung-up", SET_VRING_KICK, .size = 8, .fds = { VBALLOON_FD_SOCKET },
	     .may_succeed = true),
	IDLE("call-that-is-a-directory", SET_VRING_CALL, .size = 8,
	     .fds = { VBALLOON_FD_DIRECTORY }, .may_succeed = true),
	IDLE("call-that-has-hung-up", SET_VRING_CALL, .size = 8, .fds = { VBALLOON_FD_PIPE },
	     .may_succeed = true),
	ODD("num-0", SET_VRING_NUM, 0, 0),
	ODD("num-no-power-of-two", SET_VRING_NUM, 0, 63),
	ODD("num-of-65536", SET_VRING_NUM, 0, 65536),
	ODD("num-all-ones", SET_VRING_NUM, 0, UINT32_MAX),
	ODD("base-all-ones", SET_VRING_BASE, 0, UINT32_MAX),
	RUNNING("num-while-running", SET_VRING_NUM, .size = 8, .words = { PAIR(0, 32) }),
	RUNNING("base-while-running", SET_VRING_BASE, .size = 8, .words = { PAIR(0, 7) }),
	RUNNING("features-while-running", SET_FEATURES, .size = 8,
		.words = { VBALLOON_VIRTIO_VERSION_1 | VBALLOON_VIRTIO_EVENT_IDX }),
	RING("ring-outside-memory", 0, 0, 0),
	RING("ring-at-the-last-address", UINT64_MAX, UINT64_MAX, UINT64_MAX),
	RING("ring-over-the-end-of-memory", LAST_PAGE, LAST_PAGE, LAST_PAGE),

	MOVES("descriptors-move-while-running", .desc = VBALLOON_PLACE_TABLE),
	MOVES("used-ring-moves-while-running", .used = VBALLOON_PLACE_TABLE),
	MOVES("available-ring-moves-while-running", .avail = VBALLOON_PLACE_TABLE),
	MOVES("second-ring-moves-while-running", .desc = VBALLOON_PLACE_TABLE,
	      .used = VBALLOON_PLACE_TABLE, .avail = VBALLOON_PLACE_TABLE, .index = 1),
	MOVES("rings-meet-while-running", .desc = -VBALLOON_FRONT_RING_BYTES,
	      .used = -VBALLOON_FRONT_RING_BYTES, .avail = -VBALLOON_FRONT_RING_BYTES, .index = 1),
	MOVES("ring-off-its-alignment-while-running", .desc = 1),
	MOVES("ring-leaves-memory-while-running", .used = UINT64_C(1) << 62),

	IDLE("mem-table-of-9-regions", SET_MEM_TABLE, .size = 8 + 9 * 32, .words = { 9 },
	     .fds = { MEMORY }),
	IDLE("mem-table-count-all-ones", SET_MEM_TABLE, .size = 40,
	     .words = { UINT32_MAX, GPA, SIZE, USER, 0 }, .fds = { MEMORY }),
	IDLE("mem-table-cut-off", SET_MEM_TABLE, .size = 40, .words = { 2, GPA, SIZE, USER, 0 },
	     .fds = { MEMORY, MEMORY }),
	IDLE("mem-table-without-descriptor", SET_MEM_TABLE, .size = 40,
	     .words = { 1, GPA, SIZE, USER, 0 }),
	IDLE("mem-table-with-one-too-many", SET_MEM_TABLE, .size = 40,
	     .words = { 1, GPA, SIZE, USER, 0 }, .fds = { MEMORY, MEMORY }),
	IDLE("mem-table-with-one-too-few", SET_MEM_TABLE, .size = 72,
	     .words = { 2, GPA, 4096, USER, 0, BEHIND, 4096, USER, 4096 }, .fds = { MEMORY }),
	IDLE("mem-table-regions-overlap", SET_MEM_TABLE, .size = 72,
	     .words = { 2, GPA, SIZE, USER, 0, LAST_PAGE, SIZE, USER, 0 },
	     .fds = { MEMORY, MEMORY }),
	IDLE("mem-table-region-twice", SET_MEM_TABLE, .size = 72,
	     .words = { 2, GPA, SIZE, USER, 0, GPA, SIZE, USER, 0 }, .fds = { MEMORY, MEMORY }),
	REGION("region-of-no-size", GPA, 0, USER, 0, MEMORY),
	REGION("region-of-all-sizes", GPA, UINT64_MAX, USER, 0, MEMORY),
	REGION("region-that-wraps-for-the-guest", UINT64_MAX - 4095, 8192, USER, 0, MEMORY),
	REGION("region-that-wraps-for-the-front-end", GPA, 8192, UINT64_MAX - 4095, 0, MEMORY),
	REGION("region-that-wraps-in-its-file", GPA, 8192, USER, UINT64_MAX - 4095, MEMORY),
	REGION("region-off-its-file's-pages", GPA, 4096, USER, 1, MEMORY),
	REGION("region-larger-than-its-file", GPA, VBALLOON_PEER_TOO_LARGE, USER, 0, MEMORY),
	REGION("region-behind-its-file", GPA, 4096, USER, VBALLOON_PEER_TOO_LARGE, MEMORY),
	REGION("region-in-an-empty-file", GPA, 4096, USER, 0, VBALLOON_FD_EMPTY),
	REGION("region-in-an-event", GPA, 4096, USER, 0, VBALLOON_FD_EVENT),
	IDLE("region-in-a-directory", SET_MEM_TABLE, .size = 40, .words = { 1, GPA, 4096, USER, 0 },
	     .fds = { VBALLOON_FD_DIRECTORY }, .may_succeed = true),
	IDLE("region-in-a-pipe", SET_MEM_TABLE, .size = 40, .words = { 1, GPA, 4096, USER, 0 },
	     .fds = { VBALLOON_FD_PIPE }, .may_succeed = true),
	REGION("region-in-a-socket", GPA, 4096, USER, 0, VBALLOON_FD_SOCKET),
	REGION("region-in-dev-null", GPA, 4096, USER, 0, VBALLOON_FD_NULL),
	IDLE("region-that-cannot-be-written", SET_MEM_TABLE, .size = 40,
	     .words = { 1, GPA, 4096, USER, 0 }, .fds = { VBALLOON_FD_READ_ONLY },
	     .may_succeed = true),
	ADDED("added-without-descriptor", BEHIND, 4096, USER, 0, VBALLOON_FD_NONE),
	ADDED("added-with-two-descriptors", BEHIND, 4096, USER, 0, MEMORY, MEMORY),
	ADDED("added-over-another", LAST_PAGE, SIZE, USER, 0, MEMORY),
	ADDED("added-of-no-size", BEHIND, 0, USER, 0, MEMORY),
	ADDED("added-that-wraps", UINT64_MAX - 4095, 8192, USER, 0, MEMORY),
	ADDED("added-larger-than-its-file", BEHIND, VBALLOON_PEER_TOO_LARGE, USER, 0, MEMORY),
	ADDED("added-in-an-event", BEHIND, 4096, USER, 0, VBALLOON_FD_EVENT),
	IDLE("removed-that-is-not-there", REM_MEM_REG, .size = 40,
	     .words = { 0, BEHIND, 4096, USER, 0 }),
	IDLE("removed-in-part", REM_MEM_REG, .size = 40, .words = { 0, GPA, 4096, USER, 0 }),
	RUNNING("memory-goes-while-running", SET_MEM_TABLE, .size = 8, .words = { 0 },
		.may_succeed = true),

	IDLE("protocol-feature-63", SET_PROTOCOL_FEATURES, .size = 8,
	     .words = { UINT64_C(1) << 63 }),
	IDLE("protocol-features-all-ones", SET_PROTOCOL_FEATURES, .size = 8,
	     .words = { UINT64_MAX }),
	IDLE("log-of-no-size", SET_LOG_BASE, .size = 16, .words = { 0, 0 }, .fds = { MEMORY },
	     .may_succeed = true),
	IDLE("log-that-wraps", SET_LOG_BASE, .size = 16, .words = { 4096, UINT64_MAX - 4095 },
	     .fds = { MEMORY }, .may_succeed = true),
	IDLE("log-larger-than-its-file", SET_LOG_BASE, .size = 16,
	     .words = { VBALLOON_PEER_TOO_LARGE, 0 }, .fds = { MEMORY }, .may_succeed = true),
	IDLE("log-in-a-directory", SET_LOG_BASE, .size = 16, .words = { 4096, 0 },
	     .fds = { VBALLOON_FD_DIRECTORY }, .may_succeed = true),
	IDLE("status-all-ones", SET_STATUS, .size = 8, .words = { UINT64_MAX },
	     .may_succeed = true),
};

VBALLOON_SHARED_TOPIC(vballoon_topic_front_end_values, "front-end-values", VBALLOON_RING_ANY,
		      "a hostile front end: queues, memory, features, the dirty log", cases);
