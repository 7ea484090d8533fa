// SPDX-License-Identifier: BSD-3-Clause
/*
 * vballoonctl save-state and skip-map, vballoond --load-state: from one daemon to the next,
 * and what is refused on the way.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon_bed.h"

#define EPOCH 91
#define PAGES 256

static char file[160];

/* A guest with a MiB in the balloon. */
static int guest_set_up(void **state)
{
	struct daemon_bed *bed;

	daemon_bed_set_up(state);
	bed = *state;
	snprintf(file, sizeof(file), "%s", daemon_bed_path(bed, "state"));
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M")), 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	return 0;
}

static int tear_down(void **state)
{
	unlink(file);
	return daemon_bed_tear_down(state);
}

static void pause_guest(struct daemon_bed *bed)
{
	front_end_stop_queue(&bed->guest, 0);
	front_end_stop_queue(&bed->guest, 1);
}

static void save(struct daemon_bed *bed)
{
	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
	assert_non_null(strstr(bed->ctl.out.text, "1 MiB in the balloon"));
}

/* Another daemon takes the place of this one, and its guest goes on or begins anew. */
static void restart(struct daemon_bed *bed, const char *const *words)
{
	daemon_bed_disconnect(bed);
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	daemon_bed_start(bed, words);
}

static void a_daemon_goes_on_where_another_was(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	restart(bed, WORDS("--load-state", file));
	daemon_bed_connect(bed);
	process_await(&bed->daemon, "a saved state was loaded: 256 balloon pages are held");
	daemon_bed_assert_state(bed, "paused");
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 1 << 20);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 1 << 20);
	assert_int_equal(daemon_bed_status_integer(bed, "dropped_bytes"), 0);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), PAGES);
	daemon_bed_assert_state(bed, "ready");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("drop")), 0);
	assert_int_equal(daemon_bed_status_integer(bed, "dropped_bytes"), 1 << 20);
}

static void a_state_takes_the_place_of_files_alone(void **state)
{
	struct daemon_bed *bed = *state;
	struct stat st;

	pause_guest(bed);
	assert_int_equal(symlink("/dev/null", file), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 1);
	assert_non_null(strstr(bed->ctl.err.text, "it is no regular file"));
	assert_int_equal(lstat(file, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
}

/* Its guest has not gone on. */
static void a_state_that_waits_for_its_guest_can_be_saved(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	restart(bed, WORDS("--load-state", file));
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	front_end_negotiate(&bed->guest, FRONT_END_FEATURES);
	process_await(&bed->daemon, "a front end has connected");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
	assert_non_null(strstr(bed->ctl.out.text, "1 MiB in the balloon"));
}

static void an_order_since_is_newer_than_the_state(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	restart(bed, WORDS("--load-state", file));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "2M")), 0);
	daemon_bed_connect(bed);
	process_await(&bed->daemon, "a saved state was loaded");
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 2 << 20);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 1 << 20);
}

/* A monitor that could not start its guest, and is started again. */
static void it_is_also_when_the_front_end_has_to_come_twice(void **state)
{
	struct daemon_bed *bed = *state;
	int first;

	save(bed);
	restart(bed, WORDS("--load-state", file));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "2M")), 0);
	first = daemon_bed_socket(bed);
	process_await(&bed->daemon, "a front end has connected");
	close(first);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_connect(bed);
	process_await(&bed->daemon, "a saved state was loaded");
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 2 << 20);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 1 << 20);
}

/* It was the first front end's; whoever comes next has not got its guest. */
static void a_state_is_loaded_once(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	restart(bed, WORDS("--load-state", file));
	daemon_bed_connect(bed);
	process_await(&bed->daemon, "a saved state was loaded");
	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
}

static void a_guest_that_runs_is_not_saved(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 1);
	assert_non_null(strstr(bed->ctl.err.text, "the guest runs: pause it first"));
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "the guest runs: pause it first"));
}

static void without_a_guest_there_is_nothing_to_save(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 5);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map")), 5);
}

static void what_was_saved_before_stays_when_the_next_cannot_be_written(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", "/nowhere/state")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "/nowhere/state: No such file"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file, "--json")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "\"held_bytes\":1048576"));
}

static void the_second_piece_is_of_the_state_that_the_first_was_of(void **state)
{
	struct daemon_bed *bed = *state;

	pause_guest(bed);
	control_assert_error(&bed->control,
			     "{\"execute\":\"save-state\",\"arguments\":{\"offset\":8}}",
			     "OutOfRange");
	json_decref(control_call(&bed->control,
				 "{\"execute\":\"save-state\",\"arguments\":{\"offset\":0}}"));
	json_decref(control_call(&bed->control,
				 "{\"execute\":\"save-state\",\"arguments\":{\"offset\":8}}"));
}

/* A daemon that is to load this file ends with what is wrong; told to, it begins empty. */
static void assert_refused(struct daemon_bed *bed, const char *const *more, const char *why)
{
	const char *argv[12] = { VBALLOOND, "--no-config",  "--socket-path",
				 "x",	    "--load-state", file };
	unsigned int count = 6;
	struct process process;

	while (*more && count < 11)
		argv[count++] = *more++;
	assert_int_equal(process_run(&process, argv, -1), 1);
	if (!strstr(process.err.text, why))
		fail_msg("not refused with \"%s\" but with \"%s\"", why, process.err.text);
	assert_non_null(strstr(process.err.text, "give --start-empty"));
	(void)bed;
}

static void damage(off_t at)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void a_damaged_file_is_refused(void **state)
{
	save(*state);
	damage(60);
	assert_refused(*state, WORDS(NULL), "the state is damaged");
}

static void half_a_file_is_refused(void **state)
{
	save(*state);
	assert_int_equal(truncate(file, 100), 0);
	assert_refused(*state, WORDS(NULL), "not as long as it says");
	assert_int_equal(truncate(file, 0), 0);
	assert_refused(*state, WORDS(NULL), "not as long as it says");
}

static void a_file_of_a_newer_version_is_refused(void **state)
{
	save(*state);
	damage(9);
	assert_refused(*state, WORDS(NULL), "a newer version has saved this state");
}

static void something_else_is_refused(void **state)
{
	save(*state);
	damage(0);
	assert_refused(*state, WORDS(NULL), "this is no saved state");
	unlink(file);
	assert_refused(*state, WORDS(NULL), "No such file");
	assert_int_equal(mkdir(file, 0700), 0);
	assert_refused(*state, WORDS(NULL), "it is no file of a state");
	assert_int_equal(rmdir(file), 0);
}

static void another_page_size_is_refused(void **state)
{
	save(*state);
	assert_refused(*state, WORDS("--page-size", "2M"), "give it the same --page-size");
}

static void a_feature_that_is_not_offered_is_refused_by_name(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_connect_with(bed, UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
	assert_refused(bed, WORDS("--features", "none"),
		       "the guest's driver uses page-runs, which is not offered");
}

static void told_to_a_daemon_starts_empty(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	damage(60);
	restart(bed, WORDS("--load-state", file, "--start-empty"));
	assert_non_null(strstr(bed->daemon.err.text, "the balloon begins empty"));
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
}

/* A guest that has a MiB less, whose first queue starts. */
static void connect_smaller(struct daemon_bed *bed)
{
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	bed->guest.region.size -= 1 << 20;
	front_end_negotiate(&bed->guest, FRONT_END_FEATURES);
	front_end_new_ring(&bed->guest, 0);
	front_end_start_queue(&bed->guest, 0, 0);
}

static void a_guest_of_another_size_is_turned_away(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	restart(bed, WORDS("--load-state", file));
	connect_smaller(bed);
	process_await(&bed->daemon, "memory that the saved state is not of");
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_assert_state(bed, "no-front-end");
}

static void a_guest_of_another_size_begins_empty_when_that_was_said(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	restart(bed, WORDS("--load-state", file, "--start-empty"));
	connect_smaller(bed);
	process_await(&bed->daemon, "the balloon begins empty");
	front_end_new_ring(&bed->guest, 1);
	front_end_start_queue(&bed->guest, 1, 0);
	balloon_driver_post_request(&bed->guest);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 0);
}

/* Though it would be of the next one. */
static void a_state_that_a_guest_began_without_is_nobodys(void **state)
{
	struct daemon_bed *bed = *state;

	save(bed);
	restart(bed, WORDS("--load-state", file, "--start-empty"));
	connect_smaller(bed);
	process_await(&bed->daemon, "the balloon begins empty");
	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
}

/* The second MiB of the guest's memory begins at this page. */
#define FIRST_PAGE (GUEST_BALLOON / GUEST_PAGE)

static void what_is_in_the_balloon_need_not_travel(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *object, *run;

	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--json")), 0);
	object = json_loads(bed->ctl.out.text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(object, "runs")), 1);
	run = json_array_get(json_object_get(object, "runs"), 0);
	assert_int_equal(json_integer_value(json_object_get(run, "gpa")), GUEST_BALLOON);
	assert_int_equal(json_integer_value(json_object_get(run, "bytes")), 1 << 20);
	assert_int_equal(json_integer_value(json_object_get(object, "skip_bytes")), 1 << 20);
	json_decref(object);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "1 MiB of the guest's memory need not travel"));
}

static void a_bitmap_has_a_bit_for_each_page(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned char bytes[PAGES / 8 + 2];
	struct stat st;
	int fd;

	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--bitmap", file)), 0);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, (FIRST_PAGE + PAGES) / 8);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), FIRST_PAGE / 8 - 1), PAGES / 8 + 1);
	assert_int_equal(bytes[0], 0);
	for (unsigned int i = 1; i <= PAGES / 8; i++)
		assert_int_equal(bytes[i], 0xff);
	close(fd);
}

static void a_bitmap_that_there_is_no_room_for_is_told(void **state)
{
	struct daemon_bed *bed = *state;

	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--bitmap", "/dev/full")), 1);
	assert_non_null(
		strstr(bed->ctl.err.text, "/dev/full: No space left on device: give another file"));
}

/* Nor is anything left beside it: the directory is empty in the end. */
static void a_state_that_may_not_be_so_long_is_told(void **state)
{
	struct daemon_bed *bed = *state;

	pause_guest(bed);
	assert_int_equal(
		process_run(&bed->ctl,
			    WORDS("/bin/sh", "-c", "ulimit -f 0; exec \"$@\"", "sh", VBALLOONCTL,
				  "--control-path", bed->control_path, "save-state", file),
			    -1),
		1);
	assert_non_null(strstr(bed->ctl.err.text, "File too large: give another file"));
	assert_int_equal(access(file, F_OK), -1);
}

/* Proves DEV-STATE-7. */
static void nothing_is_skipped_of_a_guest_that_had_not_spoken(void **state)
{
	struct daemon_bed *bed = *state;

	pause_guest(bed);
	front_end_start_queue(&bed->guest, 0, 0);
	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "let the guest run until its state is ready"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--json")), 1);
}

/* Whatever has become of it: the host says what it has. */
static void what_the_host_has_nothing_of_is_told_apart(void **state)
{
	struct daemon_bed *bed = *state;
	json_int_t before, after;
	json_t *object;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--zeros")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "the guest runs: pause it first"));
	pause_guest(bed);
	front_end_start_queue(&bed->guest, 0, 0);
	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--zeros", "--json")), 0);
	object = json_loads(bed->ctl.out.text, 0, NULL);
	before = control_take_integer(object, "skip_bytes");
	assert_in_range(before, GUEST_BYTES - (1 << 20), GUEST_BYTES);
	/* All but a page in four, which makes more runs than fit a line. */
	for (size_t page = FIRST_PAGE + 4; page < (GUEST_BASE + GUEST_BYTES) / GUEST_PAGE;
	     page += 4)
		bed->guest.memory[page * GUEST_PAGE - GUEST_BASE] = 1;
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--zeros", "--json")), 0);
	object = json_loads(bed->ctl.out.text, 0, NULL);
	assert_true(json_array_size(json_object_get(object, "runs")) > 440);
	after = control_take_integer(object, "skip_bytes");
	assert_int_equal(before - after, (GUEST_BYTES - (1 << 20)) / 4 - GUEST_PAGE);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--zeros", "--bitmap", file)), 0);
	assert_non_null(strstr(bed->ctl.out.text, "are zeros that the host has nothing of"));
}

/* Nobody has written, so nobody knows whether it is shared. */
static void of_a_guest_without_a_driver_no_zeros_are_told(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	front_end_negotiate(&bed->guest, FRONT_END_FEATURES);
	process_await(&bed->daemon, "a front end");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--zeros")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "no driver was seen to write"));
}

#define SCATTERED 750

/* More runs than fit a line are asked for in turns. */
static void a_scattered_balloon_is_told_of_in_pieces(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *object;

	for (unsigned int i = 0; i < SCATTERED; i++)
		assert_int_equal(balloon_driver_add(&bed->guest, PAGES + 1 + 2 * i, 1), 1);
	pause_guest(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--json")), 0);
	object = json_loads(bed->ctl.out.text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(object, "runs")), 1 + SCATTERED);
	assert_int_equal(json_integer_value(json_object_get(object, "skip_bytes")),
			 (PAGES + SCATTERED) * GUEST_PAGE);
	json_decref(object);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, guest_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_daemon_goes_on_where_another_was),
		TEST(a_state_takes_the_place_of_files_alone),
		TEST(a_state_that_waits_for_its_guest_can_be_saved),
		TEST(an_order_since_is_newer_than_the_state),
		TEST(it_is_also_when_the_front_end_has_to_come_twice),
		TEST(a_state_is_loaded_once),
		TEST(a_guest_that_runs_is_not_saved),
		TEST(without_a_guest_there_is_nothing_to_save),
		TEST(what_was_saved_before_stays_when_the_next_cannot_be_written),
		TEST(the_second_piece_is_of_the_state_that_the_first_was_of),
		TEST(a_damaged_file_is_refused),
		TEST(half_a_file_is_refused),
		TEST(a_file_of_a_newer_version_is_refused),
		TEST(something_else_is_refused),
		TEST(another_page_size_is_refused),
		TEST(a_feature_that_is_not_offered_is_refused_by_name),
		TEST(told_to_a_daemon_starts_empty),
		TEST(a_guest_of_another_size_is_turned_away),
		TEST(a_guest_of_another_size_begins_empty_when_that_was_said),
		TEST(a_state_that_a_guest_began_without_is_nobodys),
		TEST(what_is_in_the_balloon_need_not_travel),
		TEST(a_bitmap_has_a_bit_for_each_page),
		TEST(a_bitmap_that_there_is_no_room_for_is_told),
		TEST(a_state_that_may_not_be_so_long_is_told),
		TEST(nothing_is_skipped_of_a_guest_that_had_not_spoken),
		TEST(what_the_host_has_nothing_of_is_told_apart),
		TEST(of_a_guest_without_a_driver_no_zeros_are_told),
		TEST(a_scattered_balloon_is_told_of_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
