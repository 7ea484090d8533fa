// SPDX-License-Identifier: BSD-3-Clause
/* vballoond between a guest and vballoonctl: the balloon's life, from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/le.h"
#include "daemon_bed.h"
#include "front_end/raw_split.h"

#define EPOCH 91
#define PAGES 256 /* 1 MiB */
#define RSS_MAX_KIB 4096
#define FLOOD_NS 300000000
#define KICKS_OF_A_FLOOD 1000
#define KICKS_HEARD 20 /* at the most, of a device that has stopped */

static int guest_set_up(void **state)
{
	struct daemon_bed *bed;

	daemon_bed_set_up(state);
	bed = *state;
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	return 0;
}

/* The device's next request has to be a target of so many pages. */
static void assert_asked(struct daemon_bed *bed, uint64_t pages)
{
	struct virtio_memory_balloon_req request;

	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_RESIZE);
	assert_int_equal(vballoon_le64(request.value), pages);
	balloon_driver_post_request(&bed->guest);
}

/* After its first HELLO a guest is always told the target. */
static int ready_set_up(void **state)
{
	guest_set_up(state);
	assert_asked(*state, 0);
	return 0;
}

static void set_target(struct daemon_bed *bed, uint64_t bytes)
{
	char line[128];

	snprintf(line, sizeof(line), "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":%llu}}",
		 (unsigned long long)bytes);
	json_decref(control_call(&bed->control, line));
}

/* The guest breaks the protocol. */
static void send_nonsense(struct daemon_bed *bed)
{
	struct virtio_memory_balloon_msg nonsense = { .type = vballoon_le32(77) };

	assert_int_equal(balloon_driver_send(&bed->guest, &nonsense, sizeof(nonsense), NULL, 0),
			 -1);
}

static void touch_balloon(struct daemon_bed *bed)
{
	memset(balloon_driver_page(&bed->guest, 0), 0xa5, PAGES * GUEST_PAGE);
}

static void a_guest_gives_up_memory_and_the_host_gets_it(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t before;

	touch_balloon(bed);
	before = front_end_memory_held(&bed->guest);
	daemon_bed_ctl_start(bed, WORDS("set", "1M", "--wait"));
	assert_asked(bed, PAGES);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(process_wait(&bed->ctl), 0);
	assert_non_null(strstr(bed->ctl.out.text, "1 MiB"));
	/* It is done when vballoonctl says so. */
	assert_int_equal(before - front_end_memory_held(&bed->guest), PAGES * GUEST_PAGE);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), PAGES * GUEST_PAGE);
	assert_int_equal(daemon_bed_status_integer(bed, "dropped_bytes"), PAGES * GUEST_PAGE);
	assert_int_equal(daemon_bed_status_integer(bed, "backing_bytes"),
			 front_end_memory_held(&bed->guest));
}

static void a_guest_gets_its_memory_back(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t pages[PAGES];

	set_target(bed, PAGES * GUEST_PAGE);
	assert_asked(bed, PAGES);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	daemon_bed_ctl_start(bed, WORDS("--json", "set", "0", "--wait"));
	assert_asked(bed, 0);
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES);
	assert_int_equal(process_wait(&bed->ctl), 0);
	assert_int_equal(control_take_integer(json_loads(bed->ctl.out.text, 0, NULL), "held_bytes"),
			 0);
}

static void a_percentage_is_of_the_guests_memory(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "25%")), 0);
	assert_asked(bed, GUEST_BYTES / GUEST_PAGE / 4);
}

static void a_size_above_the_guests_memory_is_refused(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1T")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "more than the guest's memory, 8 MiB"));
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 0);
}

static void a_guest_that_does_not_follow_is_waited_for_in_vain(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--wait", "--timeout", "1")), 4);
	assert_non_null(strstr(bed->ctl.err.text, "0 B are in the balloon after 1 s"));
	assert_asked(bed, PAGES);
}

static void a_guest_without_a_driver_is_not_waited_for(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_connect(bed);
	process_await(&bed->daemon, "a front end has connected");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--wait")), 5);
	assert_non_null(strstr(bed->ctl.err.text, "no-driver"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats")), 5);
}

static void a_target_set_before_the_guest_came_is_asked_of_it(void **state)
{
	struct daemon_bed *bed = *state;

	set_target(bed, PAGES * GUEST_PAGE);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_asked(bed, PAGES);
	process_await(&bed->daemon, "said HELLO");
}

/* Proves DEV-RESET-3. */
static void the_target_outlives_a_front_end(void **state)
{
	struct daemon_bed *bed = *state;

	set_target(bed, PAGES * GUEST_PAGE);
	assert_asked(bed, PAGES);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_assert_state(bed, "no-front-end");
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 0);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH + 1, 0), 0);
	assert_asked(bed, PAGES);
}

static void a_second_front_end_is_turned_away(void **state)
{
	struct daemon_bed *bed = *state;
	int second = daemon_bed_socket(bed);
	char byte;

	assert_int_equal(recv(second, &byte, 1, 0), 0);
	close(second);
	process_await(&bed->daemon, "a second front end");
	set_target(bed, PAGES * GUEST_PAGE);
	assert_asked(bed, PAGES);
}

static void the_next_front_end_waits_until_the_one_before_was_heard(void **state)
{
	const struct vhost_user_header owner = {
		.request = VHOST_USER_SET_OWNER,
		.flags = VHOST_USER_VERSION,
	};
	struct daemon_bed *bed = *state;
	int first;

	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	first = daemon_bed_socket(bed);
	process_await(&bed->daemon, "a front end has connected");
	assert_int_equal(kill(bed->daemon.pid, SIGSTOP), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(send(first, &owner, sizeof(owner), 0), sizeof(owner));
	close(first);
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	assert_int_equal(kill(bed->daemon.pid, SIGCONT), 0);
	front_end_start_with(&bed->guest, FRONT_END_FEATURES);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH + 1, 0), 0);
}

static void a_front_end_that_breaks_the_protocol_ends_only_itself(void **state)
{
	struct daemon_bed *bed = *state;
	char byte;
	int wild = daemon_bed_socket(bed);

	assert_int_equal(send(wild, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, 0), 12);
	assert_int_equal(recv(wild, &byte, 1, 0), 0);
	close(wild);
	process_await(&bed->daemon, "the front end has gone: ");
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
}

static void a_front_end_that_goes_in_the_middle_of_a_message_is_forgotten(void **state)
{
	struct daemon_bed *bed = *state;
	int fd = daemon_bed_socket(bed);

	assert_int_equal(send(fd, "\1\0\0", 3, 0), 3);
	close(fd);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
}

/* Proves DEV-BAD-5, DEV-BAD-6. */
static void a_guest_that_breaks_the_protocol_stops_its_device(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_ctl_start(bed, WORDS("set", "1M", "--wait"));
	assert_asked(bed, PAGES);
	send_nonsense(bed);
	assert_int_equal(process_wait(&bed->ctl), 6);
	process_await(&bed->daemon, "the device has stopped");
	daemon_bed_assert_state(bed, "stopped");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "reason"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats")), 6);
}

static void a_wait_ends_when_the_device_stops(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;
	json_t *answer, *value;

	set_target(bed, PAGES * GUEST_PAGE);
	control_open(&other, bed->control_path);
	control_send_text(&other, "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":60000}}\n");
	daemon_bed_assert_state(bed, "ready");
	send_nonsense(bed);
	answer = control_receive(&other);
	value = json_object_get(answer, "return");
	assert_true(json_is_false(json_object_get(value, "reached")));
	assert_string_equal(json_string_value(json_object_get(value, "state")), "stopped");
	json_decref(answer);
	control_close(&other);
}

/* An operator brings back a device that has stopped. */
static void bring_back(struct daemon_bed *bed)
{
	struct virtio_memory_balloon_req request;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("reset")), 0);
	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_RESET);
	daemon_bed_assert_state(bed, "no-driver");
	/* The driver resets the device, and says HELLO. */
	for (unsigned int i = 0; i < 2; i++) {
		front_end_event_raised(bed->guest.queues[i].err);
		front_end_stop_queue(&bed->guest, i);
		front_end_new_ring(&bed->guest, i);
		front_end_start_queue(&bed->guest, i, 0);
	}
	balloon_driver_post_request(&bed->guest);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH + 1, 0), 0);
	daemon_bed_assert_state(bed, "ready");
}

static void a_stopped_device_is_brought_back_by_command(void **state)
{
	send_nonsense(*state);
	bring_back(*state);
}

static void a_paused_guest_is_told_from_one_that_is_ready(void **state)
{
	struct daemon_bed *bed = *state;

	front_end_stop_queue(&bed->guest, 1);
	daemon_bed_assert_state(bed, "paused");
	front_end_new_ring(&bed->guest, 1);
	front_end_start_queue(&bed->guest, 1, 0);
	daemon_bed_assert_state(bed, "paused");
	balloon_driver_hello(&bed->guest, EPOCH, 0);
	daemon_bed_assert_state(bed, "ready");
}

/* The driver answers the device's request for statistics. */
static void report_free_memory(struct daemon_bed *bed, uint64_t bytes)
{
	struct virtio_memory_balloon_req request;
	struct {
		struct virtio_memory_balloon_msg msg;
		struct virtio_memory_balloon_stat stat;
	} report = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
		.stat.tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_MEMFREE),
		.stat.value = vballoon_le64(bytes),
	};

	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_STATS);
	balloon_driver_post_request(&bed->guest);
	report.msg.flags = request.flags;
	assert_int_equal(balloon_driver_send(&bed->guest, &report, sizeof(report), NULL, 0), 0);
}

static void statistics_are_asked_of_the_guest(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_ctl_start(bed, WORDS("stats"));
	report_free_memory(bed, 3 << 20);
	assert_int_equal(process_wait(&bed->ctl), 0);
	assert_non_null(strstr(bed->ctl.out.text, "mem-free"));
	assert_non_null(strstr(bed->ctl.out.text, "3 MiB"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "mem-free"));
}

static void a_guest_that_reports_nothing_is_waited_for_in_vain(void **state)
{
	assert_int_equal(daemon_bed_ctl(*state, WORDS("stats", "--timeout", "1")), 4);
}

static void a_client_that_goes_while_it_waits_is_forgotten(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;

	set_target(bed, PAGES * GUEST_PAGE);
	control_open(&other, bed->control_path);
	control_send_text(&other, "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":60000}}\n");
	daemon_bed_assert_state(bed, "ready");
	control_close(&other);
	assert_asked(bed, PAGES);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), PAGES * GUEST_PAGE);
}

static void a_front_end_that_dies_lets_no_client_hang(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_ctl_start(bed, WORDS("stats", "--timeout", "60"));
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 0);
	daemon_bed_disconnect(bed);
	assert_int_equal(process_wait(&bed->ctl), 5);
}

static void an_idle_guest_does_not_wake_the_daemon(void **state)
{
	struct daemon_bed *bed = *state;

	set_target(bed, PAGES * GUEST_PAGE);
	assert_asked(bed, PAGES);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(process_wakeups(&bed->daemon, 1000), 0);
}

static void a_guest_whose_device_has_stopped_does_not_wake_the_daemon(void **state)
{
	struct daemon_bed *bed = *state;

	send_nonsense(bed);
	process_await(&bed->daemon, "the device has stopped");
	daemon_bed_assert_state(bed, "stopped");
	assert_int_equal(process_wakeups(&bed->daemon, 1000), 0);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	assert_int_equal(clock_gettime(clock, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Both queues, as fast as it can. Returns how often. */
static uint64_t kick_for(struct daemon_bed *bed, uint64_t ns)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + ns, kicks = 0;

	while (clock_ns(CLOCK_MONOTONIC) < until)
		front_end_kick(&bed->guest, kicks++ % 2);
	return kicks;
}

static void stop_device(struct daemon_bed *bed)
{
	send_nonsense(bed);
	process_await(&bed->daemon, "the device has stopped");
}

/* A guest kicks, and the daemon sleeps on. */
static void flood_in_vain(struct daemon_bed *bed)
{
	uint64_t before, woken, memory;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(bed->daemon.pid, &clock), 0);
	assert_int_equal(process_wakeups(&bed->daemon, 0), 0);
	woken = process_status_value(&bed->daemon, "voluntary_ctxt_switches");
	memory = process_status_value(&bed->daemon, "RssAnon");
	before = clock_ns(clock);
	assert_true(kick_for(bed, FLOOD_NS) > KICKS_OF_A_FLOOD);
	assert_true(clock_ns(clock) - before <= FLOOD_NS / 100);
	assert_int_equal(process_status_value(&bed->daemon, "voluntary_ctxt_switches"), woken);
	assert_int_equal(process_status_value(&bed->daemon, "RssAnon"), memory);
}

static void a_stopped_device_costs_nothing_however_often_its_guest_kicks(void **state)
{
	struct daemon_bed *bed = *state;

	stop_device(bed);
	flood_in_vain(bed);
	bring_back(bed);
	process_await(&bed->daemon, "was reset by command");
	/* Of all that it has told one thing. */
	assert_null(strstr(strstr(bed->daemon.err.text, "has stopped") + 1, "has stopped"));
}

/* It stays where it is, at the head of its queue. */
static void a_chain_that_cannot_be_read_costs_nothing(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned char *at = bed->guest.queues[VIRTIO_MEMORY_BALLOON_VQ_TODEV].ring;
	const struct vballoon_raw_split ring = { at + VBALLOON_FRONT_DESC,
						 at + VBALLOON_FRONT_AVAIL,
						 at + VBALLOON_FRONT_USED, FRONT_END_QUEUE_SIZE };
	const struct vballoon_raw_desc loop = { GUEST_MESSAGES, 8, VBALLOON_RAW_NEXT, 0 };

	vballoon_raw_split_set_desc(ring.desc, 0, &loop);
	vballoon_raw_split_available(&ring, 0);
	front_end_kick(&bed->guest, VIRTIO_MEMORY_BALLOON_VQ_TODEV);
	process_await(&bed->daemon, "the device has stopped");
	flood_in_vain(bed);
	daemon_bed_assert_state(bed, "stopped");
}

/* There is no buffer in which it could be told to reset, and none comes: a few kicks are heard. */
static void nor_when_a_request_waits_for_a_buffer(void **state)
{
	struct virtio_memory_balloon_req request;
	struct daemon_bed *bed = *state;

	assert_true(balloon_driver_next_request(&bed->guest, &request));
	stop_device(bed);
	for (unsigned int i = 0; i < KICKS_HEARD; i++) {
		front_end_kick(&bed->guest, VIRTIO_MEMORY_BALLOON_VQ_FROMDEV);
		daemon_bed_assert_state(bed, "stopped");
	}
	flood_in_vain(bed);
	balloon_driver_post_request(&bed->guest);
	bring_back(bed);
}

static void a_stopped_device_tells_its_driver_when_there_is_a_buffer(void **state)
{
	struct virtio_memory_balloon_req request;
	struct daemon_bed *bed = *state;

	assert_true(balloon_driver_next_request(&bed->guest, &request));
	stop_device(bed);
	balloon_driver_post_request(&bed->guest);
	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_RESET);
}

#ifndef VBALLOON_SANITIZED
static void a_daemon_in_use_needs_little_memory(void **state)
{
	struct daemon_bed *bed = *state;

	touch_balloon(bed);
	set_target(bed, PAGES * GUEST_PAGE);
	assert_asked(bed, PAGES);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_in_range(process_status_value(&bed->daemon, "RssAnon") +
				process_status_value(&bed->daemon, "RssFile"),
			1, RSS_MAX_KIB);
}
#endif

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guest_gives_up_memory_and_the_host_gets_it, ready_set_up),
		TEST(a_guest_gets_its_memory_back, ready_set_up),
		TEST(a_percentage_is_of_the_guests_memory, ready_set_up),
		TEST(a_size_above_the_guests_memory_is_refused, ready_set_up),
		TEST(a_guest_that_does_not_follow_is_waited_for_in_vain, ready_set_up),
		TEST(a_guest_without_a_driver_is_not_waited_for, daemon_bed_set_up),
		TEST(a_target_set_before_the_guest_came_is_asked_of_it, daemon_bed_set_up),
		TEST(the_target_outlives_a_front_end, ready_set_up),
		TEST(a_second_front_end_is_turned_away, ready_set_up),
		TEST(the_next_front_end_waits_until_the_one_before_was_heard, guest_set_up),
		TEST(a_front_end_that_breaks_the_protocol_ends_only_itself, daemon_bed_set_up),
		TEST(a_front_end_that_goes_in_the_middle_of_a_message_is_forgotten,
		     daemon_bed_set_up),
		TEST(a_guest_that_breaks_the_protocol_stops_its_device, ready_set_up),
		TEST(a_wait_ends_when_the_device_stops, ready_set_up),
		TEST(a_stopped_device_is_brought_back_by_command, ready_set_up),
		TEST(a_paused_guest_is_told_from_one_that_is_ready, ready_set_up),
		TEST(statistics_are_asked_of_the_guest, ready_set_up),
		TEST(a_guest_that_reports_nothing_is_waited_for_in_vain, ready_set_up),
		TEST(a_client_that_goes_while_it_waits_is_forgotten, ready_set_up),
		TEST(a_front_end_that_dies_lets_no_client_hang, ready_set_up),
		TEST(an_idle_guest_does_not_wake_the_daemon, ready_set_up),
		TEST(a_guest_whose_device_has_stopped_does_not_wake_the_daemon, ready_set_up),
		TEST(a_stopped_device_costs_nothing_however_often_its_guest_kicks, ready_set_up),
		TEST(a_chain_that_cannot_be_read_costs_nothing, ready_set_up),
		TEST(nor_when_a_request_waits_for_a_buffer, guest_set_up),
		TEST(a_stopped_device_tells_its_driver_when_there_is_a_buffer, guest_set_up),
#ifndef VBALLOON_SANITIZED
		TEST(a_daemon_in_use_needs_little_memory, ready_set_up),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
