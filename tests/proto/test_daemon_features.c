// SPDX-License-Identifier: BSD-3-Clause
/* What vballoond offers its guest, as --features chooses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
