// SPDX-License-Identifier: BSD-3-Clause
/* What vballoond offers its guest, as --features chooses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/le.h"
#include "daemon_bed.h"

#define EPOCH 91
#define PAGES 256 /* 1 MiB */
#define BIT(n) (UINT64_C(1) << (n))
#define DEVICE_BITS UINT64_C(0xffffff) /* virtio 1.3, 6 Feature Bits: the device's own */
#define RING_BITS (BIT(28) | BIT(29) | BIT(34) | BIT(35))

/* A daemon that offers this, and a guest that takes what it always takes. */
static struct daemon_bed *serve(void **state, const char *features)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS("--features", features));
	daemon_bed_connect(bed);
	return bed;
}

static uint64_t offered(struct daemon_bed *bed)
{
	return front_end_get_u64(&bed->guest, VHOST_USER_GET_FEATURES);
}

static void assert_listed(struct daemon_bed *bed, const char *list, const char *name, bool there)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");
	bool found = false;
	json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(status, list), i, entry)
		found |= !strcmp(json_string_value(entry), name);
	assert_int_equal(found, there);
	json_decref(status);
}

/* Proves DEV-FEAT-4. */
static void the_base_protocol_alone_does_the_whole_job(void **state)
{
	struct daemon_bed *bed = serve(state, "none");
	uint64_t pages[PAGES], before;

	assert_int_equal(offered(bed) & (DEVICE_BITS | RING_BITS), 0);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	memset(balloon_driver_page(&bed->guest, 0), 0xa5, PAGES * GUEST_PAGE);
	before = front_end_memory_held(&bed->guest);
	daemon_bed_ctl_start(bed, WORDS("set", "1M", "--wait"));
	process_await(&bed->daemon, "the target is 1 MiB now");
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(process_wait(&bed->ctl), 0);
	assert_int_equal(before - front_end_memory_held(&bed->guest), PAGES * GUEST_PAGE);
	daemon_bed_ctl_start(bed, WORDS("set", "0", "--wait"));
	process_await(&bed->daemon, "the target is 0 B now");
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES);
	assert_int_equal(process_wait(&bed->ctl), 0);
}

/* Proves DEV-FEAT-8. */
static void what_is_left_out_is_not_offered(void **state)
{
	struct daemon_bed *bed = serve(state, "all,-event-idx");

	assert_false(offered(bed) & BIT(29));
	assert_true(offered(bed) & BIT(VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS));
	assert_listed(bed, "features_offered", "event-idx", false);
	assert_listed(bed, "features_offered", "page-runs", true);
}

static void what_is_offered_is_not_yet_negotiated(void **state)
{
	struct daemon_bed *bed = serve(state, "page-runs");

	assert_listed(bed, "features", "page-runs", false);
	assert_listed(bed, "features", "version-1", true);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "features offered      page-runs, version-1\n"
						  "  negotiated          version-1\n"));
}

/* Proves DEV-FEAT-9. */
static void a_guest_cannot_take_what_was_left_out(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t features = FRONT_END_FEATURES | BIT(VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);

	daemon_bed_start(bed, WORDS("--features", "none"));
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	front_end_negotiate(&bed->guest, features);
	process_await(&bed->daemon, "cannot be used: no queue runs");
}

static void a_wrong_choice_ends_the_daemon_with_its_name(void **state)
{
	struct process process;

	(void)state;
	assert_int_equal(process_run(&process,
				     WORDS(VBALLOOND, "--socket-path", "x", "--features",
					   "page-runs,exchagne"),
				     -1),
			 2);
	assert_non_null(strstr(process.err.text, "--features page-runs,exchagne: there is no "
						 "feature \"exchagne\""));
}

#define REPORTING (BIT(VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS) | BIT(VIRTIO_MEMORY_BALLOON_F_REPORTING))
#define PUSH_STATS BIT(VIRTIO_MEMORY_BALLOON_F_PUSH_STATS)

/* A guest with these features, which has said HELLO and heard the target. */
static struct daemon_bed *greet(void **state, uint64_t features, const char *const *options)
{
	struct daemon_bed *bed = *state;
	struct virtio_memory_balloon_req request;

	daemon_bed_start(bed, options);
	daemon_bed_connect_with(bed, features);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_true(balloon_driver_next_request(&bed->guest, &request));
	balloon_driver_post_request(&bed->guest);
	return bed;
}

static uint64_t next_value(struct daemon_bed *bed, uint32_t type)
{
	struct virtio_memory_balloon_req request;

	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le32(request.type), type);
	balloon_driver_post_request(&bed->guest);
	return vballoon_le64(request.value);
}

static void a_report_round_gives_free_memory_back(void **state)
{
	struct daemon_bed *bed = greet(state, REPORTING, WORDS(NULL));
	struct {
		struct virtio_memory_balloon_msg msg;
		uint64_t run;
	} report = { { vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT), 0 },
		     vballoon_le64(GUEST_BALLOON | (PAGES - 1)) };
	struct virtio_memory_balloon_report_done done = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE),
	};
	uint64_t before;

	memset(balloon_driver_page(&bed->guest, 0), 0xa5, PAGES * GUEST_PAGE);
	before = front_end_memory_held(&bed->guest);
	daemon_bed_ctl_start(bed, WORDS("reclaim-free", "--wait"));
	done.id = vballoon_le64(next_value(bed, VIRTIO_MEMORY_BALLOON_REQ_REPORT));
	assert_int_equal(balloon_driver_send(&bed->guest, &report, sizeof(report), NULL, 0), 0);
	assert_int_equal(before - front_end_memory_held(&bed->guest), PAGES * GUEST_PAGE);
	assert_int_equal(balloon_driver_send(&bed->guest, &done, sizeof(done), NULL, 0), 0);
	assert_int_equal(process_wait(&bed->ctl), 0);
	assert_non_null(strstr(bed->ctl.out.text, "reported 1 MiB free, the host has 1 MiB"));
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 0);
	assert_int_equal(daemon_bed_status_integer(bed, "discarded_bytes"), PAGES * GUEST_PAGE);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("why")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "1 MiB        not in use: reported as free"));
	/* The guest takes it again, and more; that some of it was never touched is known then. */
	memset(balloon_driver_page(&bed->guest, 0), 0xa5, GUEST_BASE + GUEST_BYTES - GUEST_BALLOON);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("why")), 0);
	assert_null(strstr(bed->ctl.out.text, "1 MiB        not in use: reported as free"));
}

static void a_round_that_does_not_end_is_told_after_its_time(void **state)
{
	struct daemon_bed *bed = greet(state, REPORTING, WORDS(NULL));

	assert_int_equal(daemon_bed_ctl(bed, WORDS("reclaim-free", "--wait", "--timeout", "0")), 4);
	assert_non_null(strstr(bed->ctl.err.text, "the guest is not through (ready)"));
}

/* As when its front end has gone, and another one has come: nobody is to ask all the time. */
static void a_round_that_there_is_not_is_waited_for(void **state)
{
	struct daemon_bed *bed = greet(state, REPORTING, WORDS(NULL));
	struct control other;

	control_open(&other, bed->control_path);
	control_send_text(&other, "{\"execute\":\"reclaim-wait\",\"arguments\":"
				  "{\"timeout_ms\":60000}}\n");
	/* What was sent before this is dealt with by then. */
	daemon_bed_assert_state(bed, "ready");
	assert_true(control_is_silent(&other));
	daemon_bed_disconnect(bed);
	json_decref(control_receive(&other));
	control_close(&other);
}

/* What the guest of another front end had reported when it began is not this one's. */
static void of_a_round_that_there_is_not_nothing_is_told(void **state)
{
	struct daemon_bed *bed = greet(state, REPORTING, WORDS(NULL));
	struct {
		struct virtio_memory_balloon_msg msg;
		uint64_t run;
	} report = { { vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT), 0 },
		     vballoon_le64(GUEST_BALLOON | (PAGES - 1)) };
	json_t *round;

	assert_int_equal(balloon_driver_send(&bed->guest, &report, sizeof(report), NULL, 0), 0);
	json_decref(control_call(&bed->control, "{\"execute\":\"reclaim-free\"}"));
	daemon_bed_disconnect(bed);
	daemon_bed_connect_with(bed, REPORTING);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	round = control_call(&bed->control, "{\"execute\":\"reclaim-wait\",\"arguments\":"
					    "{\"timeout_ms\":0}}");
	assert_true(json_is_false(json_object_get(round, "done")));
	assert_int_equal(json_integer_value(json_object_get(round, "discarded_bytes")), 0);
	assert_int_equal(control_take_integer(round, "reported_bytes"), 0);
}

static void a_guest_that_does_not_report_is_not_asked(void **state)
{
	struct daemon_bed *bed = greet(state, 0, WORDS(NULL));

	assert_int_equal(daemon_bed_ctl(bed, WORDS("reclaim-free", "--wait")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "\"reporting\" was not negotiated"));
}

static void without_a_guest_nobody_is_asked_to_report(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS(NULL));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("reclaim-free")), 5);
}

static void a_period_is_set_at_run_time_and_ended(void **state)
{
	struct daemon_bed *bed = greet(state, PUSH_STATS, WORDS(NULL));

	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--period", "5s")), 0);
	assert_string_equal(bed->ctl.out.text, "The guest reports every 5000 ms.\n");
	assert_int_equal(next_value(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS), 5000);
	assert_int_equal(daemon_bed_status_integer(bed, "stats_period_ms"), 5000);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--period", "off")), 0);
	assert_int_equal(next_value(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS), 0);
}

static void a_period_from_the_command_line_is_told_to_the_guest(void **state)
{
	struct daemon_bed *bed = greet(state, PUSH_STATS, WORDS("--stats-period", "1m"));

	assert_int_equal(next_value(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS), 60000);
}

static void a_report_that_is_pushed_is_shown(void **state)
{
	struct daemon_bed *bed = greet(state, PUSH_STATS, WORDS(NULL));
	struct {
		struct virtio_memory_balloon_msg msg;
		struct virtio_memory_balloon_stat stat;
	} report = { .msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
		     .stat = { .tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_MEMFREE),
			       .value = vballoon_le64(1 << 20) } };

	assert_int_equal(balloon_driver_send(&bed->guest, &report, sizeof(report), NULL, 0), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "mem-free            1 MiB"));
}

static void a_period_that_makes_no_sense_is_refused(void **state)
{
	struct daemon_bed *bed = greet(state, PUSH_STATS, WORDS(NULL));

	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--period", "0")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--period", "249ms")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--period", "168h")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--period", "soon")), 2);
	control_assert_error(&bed->control,
			     "{\"execute\":\"stats-period\",\"arguments\":{\"period_ms\":1}}",
			     "OutOfRange");
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_base_protocol_alone_does_the_whole_job),
		TEST(what_is_left_out_is_not_offered),
		TEST(what_is_offered_is_not_yet_negotiated),
		TEST(a_guest_cannot_take_what_was_left_out),
		TEST(a_wrong_choice_ends_the_daemon_with_its_name),
		TEST(a_report_round_gives_free_memory_back),
		TEST(a_round_that_does_not_end_is_told_after_its_time),
		TEST(a_round_that_there_is_not_is_waited_for),
		TEST(of_a_round_that_there_is_not_nothing_is_told),
		TEST(a_guest_that_does_not_report_is_not_asked),
		TEST(without_a_guest_nobody_is_asked_to_report),
		TEST(a_period_is_set_at_run_time_and_ended),
		TEST(a_period_from_the_command_line_is_told_to_the_guest),
		TEST(a_report_that_is_pushed_is_shown),
		TEST(a_period_that_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
