/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host fails a back end: each allocation and each system call of a whole connection in turn,
 * once, and from then on. The front end is turned away, or something is not done; nothing is left
 * behind, and what the guest never gave away stays as it is.
 */
#include "holdings.h"
#include "nth.h"
#include "proto_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"

#define GIVEN 32U /* pages, from the balloon's first on */
#define WITHDRAWN 8U
#define KEPT_FIRST 64U /* and those that the guest does not give away */
#define KEPT 16U
#define MARK 0xa5
#define STATE_BYTES_MAX 65536U
#define ROUNDS_MAX 5000U
#define LOG_BYTES ((uint32_t)((GUEST_BASE + GUEST_BYTES) / GUEST_PAGE / 8))

struct life;

/* What of a connection is a device's own: here both devices of virtio have their lives. */
struct device {
	uint32_t id;
	unsigned int queues;
	uint64_t features;
	void (*const *steps)(struct life *life);
	unsigned int step_count;
};

/* One connection, and how far it came. */
struct life {
	const struct device *device;
	struct front_end front_end;
	uint64_t epoch; /* of the driver that is loaded */
	unsigned int accepted, withdrawn;
	bool told; /* of the target */
	bool loaded;
};

static void pump(void *context)
{
	nth_enter();
	front_end_pump(context);
	nth_leave();
}

/* What no answer comes to is what this is about. */
static int say(struct life *life, const void *message, uint32_t len, void *answer, uint32_t room)
{
	return balloon_driver_send(&life->front_end, message, len, answer, room);
}

static void negotiate(struct life *life)
{
	struct vballoon_front_end *wire = &life->front_end.wire;
	const uint64_t features =
		FRONT_END_FEATURES | UINT64_C(1) << VHOST_F_LOG_ALL | life->device->features;
	uint64_t offered, protocol = 0;

	vballoon_link_get_u64(&wire->link, VHOST_USER_GET_FEATURES, &offered);
	vballoon_link_get_u64(&wire->link, VHOST_USER_GET_PROTOCOL_FEATURES, &protocol);
	vballoon_front_end_set_u64(wire, VHOST_USER_SET_PROTOCOL_FEATURES,
				   protocol & FRONT_END_PROTOCOL_FEATURES);
	vballoon_front_end_set_u64(wire, VHOST_USER_SET_FEATURES, features);
	wire->ring_features = vballoon_ring_features(features);
	vballoon_link_send(&wire->link, VHOST_USER_SET_BACKEND_REQ_FD, 0, NULL, 0,
			   &wire->queues[0].err, 1);
	vballoon_front_end_share_memory(wire);
}

/* The first of the guest's memory will do as the log's. */
static void send_log(struct life *life)
{
	const struct vhost_user_log log = { LOG_BYTES, GUEST_BYTES - GUEST_PAGE * 64 };
	struct vballoon_link *link = &life->front_end.wire.link;
	uint64_t answer;

	vballoon_link_send(link, VHOST_USER_SET_LOG_BASE, 0, &log, sizeof(log),
			   &life->front_end.memory_fd, 1);
	vballoon_link_receive(link, VHOST_USER_SET_LOG_BASE, &answer, sizeof(answer));
}

static void start(struct life *life)
{
	struct vballoon_front_end *wire = &life->front_end.wire;

	for (unsigned int i = 0; i < life->device->queues; i++) {
		vballoon_front_end_new_ring(wire, i);
		vballoon_front_end_start_queue(wire, i, vballoon_front_end_first_base(wire));
	}
}

static void stop(struct life *life)
{
	uint32_t base;

	for (unsigned int i = 0; i < life->device->queues; i++)
		vballoon_front_end_stop_queue(&life->front_end.wire, i, &base);
}

/* Another driver each time: what the one before gave is the guest's. */
static void hello(struct life *life)
{
	const struct virtio_memory_balloon_hello hello = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO),
		.epoch = vballoon_le64(++life->epoch),
		.unit_shift = vballoon_le32(12),
	};
	struct virtio_memory_balloon_hello_answer answer;

	say(life, &hello, sizeof(hello), &answer, sizeof(answer));
}

static void add(struct life *life)
{
	struct {
		struct virtio_memory_balloon_msg msg;
		__le64 pages[GIVEN];
	} add = { .msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD) };
	uint8_t verdicts[GIVEN] = { 0 };

	memset(balloon_driver_page(&life->front_end, 0), MARK, GIVEN * GUEST_PAGE);
	for (unsigned int i = 0; i < GIVEN; i++)
		add.pages[i] = vballoon_le64(GUEST_BALLOON + (uint64_t)i * GUEST_PAGE);
	if (say(life, &add, sizeof(add), verdicts, GIVEN) != GIVEN)
		return;
	for (unsigned int i = 0; i < GIVEN; i++) {
		life->accepted += verdicts[i] == VIRTIO_MEMORY_BALLOON_ACCEPTED;
		if (verdicts[i] != VIRTIO_MEMORY_BALLOON_ACCEPTED)
			assert_int_equal(*balloon_driver_page(&life->front_end, i), MARK);
	}
}

static void withdraw(struct life *life)
{
	const struct virtio_memory_balloon_withdraw withdraw = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
		.most = vballoon_le64(WITHDRAWN),
	};
	__le64 pages[WITHDRAWN];
	int len = say(life, &withdraw, sizeof(withdraw), pages, sizeof(pages));

	for (int i = 0; i < len / 8; i++)
		assert_in_range(vballoon_le64(pages[i]), GUEST_BALLOON,
				GUEST_BALLOON + (GIVEN - 1) * GUEST_PAGE);
	life->withdrawn += len < 0 ? 0 : (unsigned int)len / 8;
}

static void set_target(struct life *life)
{
	struct virtio_memory_balloon_req request;

	balloon_driver_post_request(&life->front_end);
	nth_enter();
	vballoon_device_set_target(vballoon_vhost_user_device(life->front_end.back_end), GIVEN * 2);
	nth_leave();
	pump(&life->front_end);
	life->told = balloon_driver_next_request(&life->front_end, &request);
}

/* A region goes and comes. */
static void plug(struct life *life)
{
	const struct vhost_user_mem_region region = { 0, life->front_end.region };
	struct vballoon_link *link = &life->front_end.wire.link;

	vballoon_link_send(link, VHOST_USER_REM_MEM_REG, 0, &region, sizeof(region), NULL, 0);
	vballoon_link_send(link, VHOST_USER_ADD_MEM_REG, 0, &region, sizeof(region),
			   &life->front_end.memory_fd, 1);
}

/* Which end of a pipe the back end gets. Returns the other, which is the caller's. */
static int transfer(struct life *life, uint32_t direction)
{
	const struct vhost_user_transfer_state state = { direction, VHOST_USER_TRANSFER_STOPPED };
	const unsigned int theirs = direction == VHOST_USER_TRANSFER_SAVE ? 1 : 0;
	struct vballoon_link *link = &life->front_end.wire.link;
	uint64_t answer;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	vballoon_link_send(link, VHOST_USER_SET_DEVICE_STATE_FD, 0, &state, sizeof(state),
			   &ends[theirs], 1);
	close(ends[theirs]);
	vballoon_link_receive(link, VHOST_USER_SET_DEVICE_STATE_FD, &answer, sizeof(answer));
	return ends[!theirs];
}

/* The device's state comes out, and goes in again. */
static void move(struct life *life)
{
	struct vballoon_link *link = &life->front_end.wire.link;
	static uint8_t state[STATE_BYTES_MAX];
	uint64_t answer = 1;
	ssize_t len, written;
	int fd;

	fd = transfer(life, VHOST_USER_TRANSFER_SAVE);
	pump(&life->front_end);
	len = read(fd, state, sizeof(state));
	close(fd);
	fd = transfer(life, VHOST_USER_TRANSFER_LOAD);
	written = len > 0 ? write(fd, state, (size_t)len) : -1;
	close(fd);
	pump(&life->front_end);
	vballoon_link_get_u64(link, VHOST_USER_CHECK_DEVICE_STATE, &answer);
	life->loaded = written == len && !answer;
}

static void reset(struct life *life)
{
	vballoon_link_send(&life->front_end.wire.link, VHOST_USER_RESET_DEVICE, 0, NULL, 0, NULL,
			   0);
}

static void (*const memory_steps[])(struct life *life) = {
	negotiate, send_log, start, hello, add,	 set_target, withdraw, stop,  move,
	start,	   hello,    add,   stop,  plug, start,	     hello,    reset,
};

static const struct device memory_balloon = {
	.id = VIRTIO_MEMORY_BALLOON_ID,
	.queues = VIRTIO_MEMORY_BALLOON_VQ_COUNT,
	.steps = memory_steps,
	.step_count = sizeof(memory_steps) / sizeof(memory_steps[0]),
};

/* A message of the traditional balloon's driver: whether it was answered. */
static bool tell(struct life *life, unsigned int queue, struct vballoon_driver_buffer buffer)
{
	struct front_end *front_end = &life->front_end;
	uint32_t written;

	assert_int_equal(vballoon_driver_ring_post(&front_end->queues[queue].driver, &buffer, 1, 1),
			 0);
	front_end_kick(front_end, queue);
	return front_end_collect(front_end, queue, &written) == VBALLOON_COLLECT_ONE;
}

static bool tell_bytes(struct life *life, unsigned int queue, const void *bytes, uint32_t len)
{
	memcpy(life->front_end.memory + (GUEST_MESSAGES - GUEST_BASE), bytes, len);
	return tell(life, queue,
		    (struct vballoon_driver_buffer){ vballoon_gpa(GUEST_MESSAGES), len, false });
}

static bool tell_pages(struct life *life, unsigned int queue, unsigned int count)
{
	__le32 pfns[GIVEN];

	for (unsigned int i = 0; i < count; i++)
		pfns[i] = vballoon_le32((uint32_t)(GUEST_BALLOON / GUEST_PAGE) + i);
	return tell_bytes(life, queue, pfns, count * (uint32_t)sizeof(*pfns));
}

/* What the host has taken of the balloon's first pages. */
static unsigned int empty_pages(struct life *life)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < GIVEN; i++)
		count += *balloon_driver_page(&life->front_end, i) != MARK;
	return count;
}

static void inflate(struct life *life)
{
	memset(balloon_driver_page(&life->front_end, 0), MARK, GIVEN * GUEST_PAGE);
	if (tell_pages(life, VIRTIO_BALLOON_VQ_INFLATE, GIVEN))
		life->accepted += empty_pages(life);
}

static void deflate(struct life *life)
{
	if (tell_pages(life, VIRTIO_BALLOON_VQ_DEFLATE, WITHDRAWN))
		life->withdrawn += WITHDRAWN;
}

/* Pages that are free, and nobody's in the balloon. */
static void report(struct life *life)
{
	tell(life, VIRTIO_BALLOON_VQ_REPORTING,
	     (struct vballoon_driver_buffer){
		     vballoon_gpa(GUEST_BALLOON + (uint64_t)(KEPT_FIRST + KEPT) * GUEST_PAGE),
		     GIVEN * GUEST_PAGE, true });
}

static void tell_statistics(struct life *life)
{
	const struct virtio_balloon_stat stat = { .val = vballoon_le64(1) };

	tell_bytes(life, VIRTIO_BALLOON_VQ_STATS, &stat, sizeof(stat));
}

static void change_target(struct life *life)
{
	struct {
		uint32_t offset, size, flags;
		struct virtio_balloon_config config;
	} space = { .size = sizeof(space.config) };
	struct vballoon_link *link = &life->front_end.wire.link;

	nth_enter();
	vballoon_device_set_target(vballoon_vhost_user_device(life->front_end.back_end), GIVEN * 2);
	nth_leave();
	pump(&life->front_end);
	vballoon_link_send(link, VHOST_USER_GET_CONFIG, 0, &space, sizeof(space), NULL, 0);
	vballoon_link_receive(link, VHOST_USER_GET_CONFIG, &space, sizeof(space));
	life->told = vballoon_le32(space.config.num_pages) == GIVEN * 2;
}

static void (*const traditional_steps[])(struct life *life) = {
	negotiate, send_log, start, inflate, tell_statistics, change_target, report, deflate, stop,
	move,	   start,    stop,  plug,    start,	      inflate,	     reset,
};

static const struct device traditional_balloon = {
	.id = VIRTIO_BALLOON_ID,
	.queues = VIRTIO_BALLOON_VQ_MAX,
	.features = UINT64_C(1) << VIRTIO_BALLOON_F_MUST_TELL_HOST |
		    UINT64_C(1) << VIRTIO_BALLOON_F_STATS_VQ |
		    UINT64_C(1) << VIRTIO_BALLOON_F_FREE_PAGE_HINT |
		    UINT64_C(1) << VIRTIO_BALLOON_F_REPORTING,
	.steps = traditional_steps,
	.step_count = sizeof(traditional_steps) / sizeof(traditional_steps[0]),
};

static void mark(struct life *life)
{
	memset(balloon_driver_page(&life->front_end, KEPT_FIRST), MARK, KEPT * GUEST_PAGE);
}

static void assert_kept(struct life *life)
{
	const unsigned char *byte = balloon_driver_page(&life->front_end, KEPT_FIRST);

	for (unsigned int i = 0; i < KEPT * GUEST_PAGE; i++) {
		if (byte[i] != MARK)
			fail_msg("byte %u of what the guest keeps has changed", i);
	}
}

/* There is one region at the most: what fails is for want of memory, and not of slots. */
static void assert_no_surplus(void *context, int priority, const char *text)
{
	(void)context;
	(void)priority;
	assert_null(strstr(text, "a memory region: there are"));
}

/* As front_end_open(), with a back end that may not come to be. */
static bool begin(struct life *life)
{
	const struct vballoon_vhost_user_config config = {
		.device_id = life->device->id,
		.page_shift = 12,
		.features = vballoon_device_features_of(life->device->id),
		.log = assert_no_surplus,
	};
	struct front_end *front_end = &life->front_end;
	int ends[2], ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	front_end_open_queues(front_end, ends[0], life->device->queues);
	front_end->wire.link.timeout_ms = 0;
	front_end->wire.link.sent = pump;
	front_end->wire.link.context = front_end;
	nth_enter();
	ret = vballoon_vhost_user_new(&config, ends[1], &front_end->back_end);
	nth_leave();
	assert_true(ret <= 0);
	return !ret;
}

static void end(struct life *life)
{
	struct front_end *front_end = &life->front_end;

	if (front_end->outcome == -EPROTO)
		assert_string_not_equal(vballoon_vhost_user_reason(front_end->back_end), "");
	else
		assert_true(front_end->outcome >= 0 || front_end->outcome == -ECONNRESET);
	nth_enter();
	vballoon_vhost_user_free(front_end->back_end);
	nth_leave();
	front_end->back_end = NULL;
}

/* A whole connection. Returns how far it came. */
static const struct life *live(const struct device *device)
{
	static struct life life;
	struct holdings before = holdings_now();

	memset(&life, 0, sizeof(life));
	life.device = device;
	if (begin(&life)) {
		mark(&life);
		for (unsigned int i = 0; i < device->step_count; i++) {
			if (!front_end_refused(&life.front_end))
				device->steps[i](&life);
		}
		assert_kept(&life);
		end(&life);
	}
	front_end_close(&life.front_end);
	holdings_assert(before);
	assert_int_equal(nth_allocated(), 0);
	return &life;
}

static void without_a_failure_all_of_it_is_done(void **state)
{
	const struct life *life;

	nth_arm(0, NTH_ONCE);
	life = live(*state);
	assert_int_equal(life->front_end.outcome, 0);
	assert_int_equal(life->accepted, 2 * GIVEN);
	assert_int_equal(life->withdrawn, WITHDRAWN);
	assert_true(life->told && life->loaded);
	assert_true(nth_calls() > 100);
}

/* Each call in turn, until one more would be none. */
static void fail_each(const struct device *device, enum nth_mode mode)
{
	unsigned int number = 0;

	do {
		assert_true(++number < ROUNDS_MAX);
		nth_arm(number, mode);
		live(device);
	} while (nth_failed());
	print_message("each of %u calls has failed\n", number - 1);
	assert_true(number > 100);
}

static void a_call_that_fails_leaves_nothing_behind(void **state)
{
	fail_each(*state, NTH_ONCE);
}

static void a_host_that_fails_from_then_on_leaves_nothing_behind(void **state)
{
	fail_each(*state, NTH_FROM_THEN_ON);
}

#define OF(device, name)                                                                           \
	{                                                                                          \
#name " (" #device ")", name, NULL, NULL, (void *)(uintptr_t) & (device)           \
	}
#define OF_BOTH(name) OF(memory_balloon, name), OF(traditional_balloon, name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF_BOTH(without_a_failure_all_of_it_is_done),
		OF_BOTH(a_call_that_fails_leaves_nothing_behind),
		OF_BOTH(a_host_that_fails_from_then_on_leaves_nothing_behind),
	};

	signal(SIGPIPE, SIG_IGN); /* as vballoon_vhost_user_process() wants it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
