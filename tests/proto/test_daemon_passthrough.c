// SPDX-License-Identifier: BSD-3-Clause
/* vballoond and a front end that has a device passed through to its guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon_bed.h"

#define EPOCH 17
#define PAGES 256U
#define BYTES (PAGES * GUEST_PAGE)

/* What a front end in a jail has open: there is no such device here. */
static int open_device(const struct daemon_bed *bed)
{
	int fd;

	assert_int_equal(mkdir(daemon_bed_path(bed, "dev"), 0700), 0);
	assert_int_equal(mkdir(daemon_bed_path(bed, "dev/vfio"), 0700), 0);
	fd = open(daemon_bed_path(bed, "dev/vfio/12"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	/* It is the descriptor that counts; the bed is to be left empty. */
	assert_int_equal(unlink(daemon_bed_path(bed, "dev/vfio/12")), 0);
	assert_int_equal(rmdir(daemon_bed_path(bed, "dev/vfio")), 0);
	assert_int_equal(rmdir(daemon_bed_path(bed, "dev")), 0);
	return fd;
}

static void start(struct daemon_bed *bed, const char *passthrough)
{
	daemon_bed_start(bed, WORDS("--passthrough", passthrough));
}

static void connect_guest(struct daemon_bed *bed)
{
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
}

static void add(struct daemon_bed *bed, unsigned int first)
{
	assert_int_equal(balloon_driver_add(&bed->guest, first, PAGES), PAGES);
}

/* What `status` says of it: the state, and some of the text, or NULL for none. */
static void assert_told(struct daemon_bed *bed, const char *state, const char *text)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");
	const json_t *told = json_object_get(status, "passthrough");
	const char *told_text = json_string_value(json_object_get(told, "text"));

	assert_string_equal(json_string_value(json_object_get(told, "state")), state);
	if (text)
		assert_non_null(strstr(told_text, text));
	else
		assert_null(told_text);
	json_decref(status);
}

static json_int_t kept_bytes(struct daemon_bed *bed)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");
	json_int_t bytes = json_integer_value(
		json_object_get(json_object_get(status, "kept_bytes"), "inhibited"));

	json_decref(status);
	return bytes;
}

static void assert_dropped(struct daemon_bed *bed, json_int_t bytes)
{
	assert_int_equal(daemon_bed_status_integer(bed, "dropped_bytes"), bytes);
}

static void without_such_a_device_memory_is_given_back(void **state)
{
	struct daemon_bed *bed = *state;

	connect_guest(bed);
	add(bed, 0);
	assert_told(bed, "absent", NULL);
	assert_dropped(bed, BYTES);
}

/* Proves DEV-MEM-7. */
static void with_a_device_at_the_start_nothing_is_given_back(void **state)
{
	struct daemon_bed *bed = *state;
	int device = open_device(bed);

	connect_guest(bed);
	add(bed, 0);
	process_await(&bed->daemon, "nothing is given back to the host: a device is passed");
	assert_told(bed, "present", "/dev/vfio/12");
	assert_dropped(bed, 0);
	assert_int_equal(kept_bytes(bed), BYTES);
	assert_int_equal(daemon_bed_status_integer(bed, "waiting_bytes"), 0);
	close(device);
}

static void the_command_line_tool_tells_it(void **state)
{
	struct daemon_bed *bed = *state;
	int device = open_device(bed);

	connect_guest(bed);
	add(bed, 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "passthrough           present"));
	assert_non_null(strstr(bed->ctl.out.text, "not given back to the host for now"));
	close(device);
}

static void a_device_that_comes_later_keeps_what_is_added_from_then_on(void **state)
{
	struct daemon_bed *bed = *state;
	int device;

	connect_guest(bed);
	add(bed, 0);
	assert_dropped(bed, BYTES);
	device = open_device(bed);
	assert_told(bed, "present", "/dev/vfio/12");
	add(bed, PAGES);
	assert_dropped(bed, BYTES);
	assert_int_equal(kept_bytes(bed), BYTES);
	close(device);
}

static void what_was_kept_is_given_back_when_the_device_has_gone(void **state)
{
	struct daemon_bed *bed = *state;
	int device = open_device(bed);

	connect_guest(bed);
	add(bed, 0);
	assert_dropped(bed, 0);
	close(device);
	assert_told(bed, "absent", NULL);
	process_await(&bed->daemon, "no device is passed through to the guest");
	assert_dropped(bed, BYTES);
}

static void pages_are_handed_back_all_the_same(void **state)
{
	struct daemon_bed *bed = *state;
	int device = open_device(bed);
	uint64_t pages[PAGES];

	connect_guest(bed);
	add(bed, 0);
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 0);
	close(device);
}

static void it_keeps_nobody_waiting_and_wakes_nobody(void **state)
{
	struct daemon_bed *bed = *state;
	int device = open_device(bed);

	json_decref(control_call(
		&bed->control, "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":1048576}}"));
	connect_guest(bed);
	add(bed, 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--wait")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "the host has only 0 B of them back"));
	assert_int_equal(process_wakeups(&bed->daemon, 300), 0);
	close(device);
}

/* A daemon that may not see the descriptors of this process, its front end. */
static void start_beside_another_user(struct daemon_bed *bed)
{
	/* Such a process hides its descriptors from its own user too. */
	assert_int_equal(prctl(PR_SET_DUMPABLE, 0), 0);
	process_start(&bed->daemon,
		      WORDS(DAEMON_BED_WITHOUT_CAPABILITIES, VBALLOOND, "--socket-path",
			    bed->socket_path, "--control-path", bed->control_path),
		      -1);
	process_await(&bed->daemon, "waiting for a front end");
	control_open(&bed->control, bed->control_path);
}

static void another_user_gives_back_where_nothing_is_pinned(void **state)
{
	struct daemon_bed *bed = *state;
	int device = open_device(bed); /* which that user does not see */

	start_beside_another_user(bed);
	connect_guest(bed);
	add(bed, 0);
	assert_told(bed, "absent", NULL);
	assert_dropped(bed, BYTES);
	close(device);
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
}

static void another_user_gives_nothing_back_while_memory_is_locked(void **state)
{
	struct daemon_bed *bed = *state;
	void *page =
		mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	start_beside_another_user(bed);
	connect_guest(bed);
	/* What is pinned counts from the next step on: let this one end. */
	assert_told(bed, "absent", NULL);
	/* By its number: sanitizers have a function of this name that does nothing. */
	assert_int_equal(syscall(SYS_mlock, page, GUEST_PAGE), 0);
	add(bed, 0);
	assert_told(bed, "unknown", "4 KiB of the front end");
	assert_dropped(bed, 0);
	assert_int_equal(kept_bytes(bed), BYTES);
	assert_int_equal(munmap(page, GUEST_PAGE), 0);
	assert_told(bed, "absent", NULL);
	assert_dropped(bed, BYTES);
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
}

static void who_says_that_there_is_one_is_believed(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed, "present");
	connect_guest(bed);
	add(bed, 0);
	assert_told(bed, "present", "--passthrough present");
	assert_dropped(bed, 0);
	assert_int_equal(kept_bytes(bed), BYTES);
}

static void who_says_that_there_is_none_is_believed(void **state)
{
	struct daemon_bed *bed = *state;
	int device = open_device(bed);

	start(bed, "absent");
	connect_guest(bed);
	add(bed, 0);
	assert_told(bed, "absent", NULL);
	assert_dropped(bed, BYTES);
	close(device);
}

static void without_a_front_end_there_is_nothing_to_tell(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");

	assert_true(json_is_null(json_object_get(status, "passthrough")));
	json_decref(status);
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_such_a_device_memory_is_given_back, daemon_bed_set_up),
		TEST(with_a_device_at_the_start_nothing_is_given_back, daemon_bed_set_up),
		TEST(the_command_line_tool_tells_it, daemon_bed_set_up),
		TEST(a_device_that_comes_later_keeps_what_is_added_from_then_on, daemon_bed_set_up),
		TEST(what_was_kept_is_given_back_when_the_device_has_gone, daemon_bed_set_up),
		TEST(pages_are_handed_back_all_the_same, daemon_bed_set_up),
		TEST(it_keeps_nobody_waiting_and_wakes_nobody, daemon_bed_set_up),
		TEST(another_user_gives_back_where_nothing_is_pinned, daemon_bed_empty_set_up),
		TEST(another_user_gives_nothing_back_while_memory_is_locked,
		     daemon_bed_empty_set_up),
		TEST(who_says_that_there_is_one_is_believed, daemon_bed_empty_set_up),
		TEST(who_says_that_there_is_none_is_believed, daemon_bed_empty_set_up),
		TEST(without_a_front_end_there_is_nothing_to_tell, daemon_bed_set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
