// SPDX-License-Identifier: BSD-3-Clause
/* How vballoond starts and ends: its options, its sockets, its signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon_bed.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2

/* Run the daemon with these words: it has to end with @status, saying @text. */
static void assert_ends(const char *const *words, int status, const char *text)
{
	struct process process;

	assert_int_equal(process_run(&process, words, -1), status);
	if (!strstr(process.err.text, text))
		fail_msg("it should say \"%s\", but says: %s", text, process.err.text);
}

static int bound_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void capabilities_are_printed_whatever_else_is_asked(void **state)
{
	struct process process;
	json_t *object;

	(void)state;
	assert_int_equal(process_run(&process,
				     WORDS(VBALLOOND, "--fd", "x", "--print-capabilities", "--no"),
				     -1),
			 0);
	object = json_loads(process.out.text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(object, "type")), "balloon");
	assert_true(json_is_array(json_object_get(object, "features")));
	json_decref(object);
}

static void help_and_version_are_printed(void **state)
{
	struct process process;

	(void)state;
	assert_int_equal(process_run(&process, WORDS(VBALLOOND, "--help"), -1), 0);
	assert_non_null(strstr(process.out.text, "--socket-path PATH"));
	assert_int_equal(process_run(&process, WORDS(VBALLOOND, "--version"), -1), 0);
	assert_non_null(strstr(process.out.text, VBALLOON_VERSION));
}

static void an_unknown_option_is_named(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--sokcet-path", "x"), EXIT_USAGE, "--sokcet-path: there is");
	assert_ends(WORDS(VBALLOOND, "-x"), EXIT_USAGE, "-x: there is no such option");
	assert_ends(WORDS(VBALLOOND, "-fd", "3"), EXIT_USAGE, "-f: there is no such option");
	assert_ends(WORDS(VBALLOOND, "path"), EXIT_USAGE, "path: it is no option");
}

static void an_option_without_its_value_is_named(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--control-path"), EXIT_USAGE, "--control-path needs a value");
}

static void a_path_and_a_descriptor_together_are_refused(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--fd", "3", "--socket-path", "x"), EXIT_USAGE,
		    "give one of them");
}

static void a_front_end_has_to_be_able_to_come(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND), EXIT_USAGE, "give --socket-path");
}

static void the_two_sockets_are_two(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--socket-path", "x", "--control-path", "x"), EXIT_USAGE,
		    "give two paths");
}

static void a_page_size_is_a_power_of_two_from_4k_to_1g(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--page-size", "2X"), EXIT_USAGE, "it is no size");
	assert_ends(WORDS(VBALLOOND, "--page-size", "5K"), EXIT_USAGE, "a power of two");
	assert_ends(WORDS(VBALLOOND, "--page-size", "2K"), EXIT_USAGE, "a power of two");
	assert_ends(WORDS(VBALLOOND, "--page-size", "2G"), EXIT_USAGE, "a power of two");
}

static void the_traditional_balloon_has_pages_and_features_of_its_own(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--device", "13"), EXIT_USAGE, "memory or traditional");
	assert_ends(WORDS(VBALLOOND, "--device", "traditional", "--page-size", "2M"), EXIT_USAGE,
		    "pages of 4K");
	assert_ends(WORDS(VBALLOOND, "--features", "exchange", "--device", "traditional"),
		    EXIT_USAGE, "there is no feature \"exchange\"");
	assert_ends(WORDS(VBALLOOND, "--device", "traditional", "--features",
			  "must-tell-host,silent-deflate"),
		    EXIT_USAGE, "opposites");
	assert_ends(WORDS(VBALLOOND, "--socket-path", "x", "--traditional-socket-path", "y",
			  "--traditional-features", "must-tell-host,silent-deflate"),
		    EXIT_USAGE, "opposites");
}

static void passthrough_is_one_of_three_words(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--passthrough", "maybe"), EXIT_USAGE,
		    "say detect, absent or present");
}

static void a_descriptor_has_to_be_a_unix_stream_socket(void **state)
{
	struct process process;
	int file;

	(void)state;
	assert_ends(WORDS(VBALLOOND, "--fd", "-1"), EXIT_USAGE, "it is no descriptor");
	assert_ends(WORDS(VBALLOOND, "--fd", "99"), EXIT_FAILED, "hand over a Unix stream socket");
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(process_run(&process, WORDS(VBALLOOND, "--fd", "3"), file), EXIT_FAILED);
	assert_non_null(strstr(process.err.text, "hand over a Unix stream socket"));
	close(file);
}

static void a_path_in_no_directory_is_refused(void **state)
{
	assert_ends(WORDS(VBALLOOND, "--socket-path", daemon_bed_path(*state, "none/guest")),
		    EXIT_FAILED, "none first");
}

static void a_path_that_this_user_may_not_write_to_is_refused(void **state)
{
	char directory[160];

	snprintf(directory, sizeof(directory), "%s", daemon_bed_path(*state, "closed"));
	assert_int_equal(mkdir(directory, 0500), 0);
	assert_ends(WORDS(DAEMON_BED_WITHOUT_CAPABILITIES, VBALLOOND, "--socket-path",
			  daemon_bed_path(*state, "closed/guest")),
		    EXIT_FAILED, "permission denied: let this user write to");
	assert_int_equal(rmdir(directory), 0);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[sizeof(path) - 1] = '\0';
	assert_ends(WORDS(VBALLOOND, "--socket-path", path), EXIT_FAILED, "give a shorter one");
	path[108] = '\0';
	assert_ends(WORDS(VBALLOOND, "--socket-path", path), EXIT_FAILED, "give a shorter one");
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	const char *path = daemon_bed_path(*state, "file");
	struct stat st;

	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_ends(WORDS(VBALLOOND, "--socket-path", path), EXIT_FAILED, "no socket");
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
}

static void a_path_that_a_living_daemon_serves_is_left_to_it(void **state)
{
	struct daemon_bed *bed = *state;
	char log[sizeof(bed->daemon.err.text)];

	memcpy(log, bed->daemon.err.text, sizeof(log));
	assert_ends(WORDS(VBALLOOND, "--socket-path", bed->socket_path), EXIT_FAILED,
		    "another process serves it");
	assert_ends(WORDS(VBALLOOND, "--socket-path", daemon_bed_path(bed, "other"),
			  "--control-path", bed->control_path),
		    EXIT_FAILED, "another process serves it");
	daemon_bed_connect(bed);
	process_await(&bed->daemon, "a front end has connected");
	/* It was not troubled meanwhile. */
	assert_null(strstr(bed->daemon.err.text, "has gone"));
}

static void a_socket_that_a_dead_daemon_left_is_replaced(void **state)
{
	struct daemon_bed *bed = *state;

	close(bound_socket(bed->socket_path));
	close(bound_socket(bed->control_path));
	process_start(&bed->daemon,
		      WORDS(VBALLOOND, "--socket-path", bed->socket_path, "--control-path",
			    bed->control_path),
		      -1);
	process_await(&bed->daemon, "waiting for a front end");
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, 5, 0), 0);
}

static void a_successors_socket_is_not_unlinked(void **state)
{
	struct daemon_bed *bed = *state;
	struct stat st;
	int other;

	assert_int_equal(unlink(bed->socket_path), 0);
	other = bound_socket(bed->socket_path);
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	assert_int_equal(stat(bed->socket_path, &st), 0);
	close(other);
	unlink(bed->socket_path);
}

static void the_control_socket_is_this_users_alone(void **state)
{
	struct daemon_bed *bed = *state;
	struct stat st;

	assert_int_equal(stat(bed->control_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void each_ending_signal_is_a_clean_end(void **state)
{
	struct daemon_bed *bed = *state;
	struct stat st;

	control_close(&bed->control);
	daemon_bed_connect(bed);
	assert_int_equal(process_stop(&bed->daemon, SIGINT), 0);
	assert_int_equal(stat(bed->socket_path, &st), -1);
	assert_int_equal(stat(bed->control_path, &st), -1);
}

static void a_connected_descriptor_is_served_until_it_closes(void **state)
{
	struct daemon_bed *bed = *state;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	process_start(&bed->daemon, WORDS(VBALLOOND, "--fd", "3"), ends[1]);
	close(ends[1]);
	front_end_open_socket(&bed->guest, ends[0]);
	front_end_start(&bed->guest);
	assert_int_equal(balloon_driver_hello(&bed->guest, 5, 0), 0);
	front_end_close(&bed->guest);
	assert_int_equal(process_wait(&bed->daemon), 0);
}

static void a_listening_descriptor_is_served_again_and_again(void **state)
{
	struct daemon_bed *bed = *state;
	int fd = bound_socket(bed->socket_path);

	assert_int_equal(listen(fd, 1), 0);
	process_start(&bed->daemon, WORDS(VBALLOOND, "--fd", "3"), fd);
	close(fd);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, 5, 0), 0);
	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, 6, 0), 0);
	/* Who handed it over unlinks it. */
	unlink(bed->socket_path);
}

/* Fill the pipe that the daemon logs to. Returns how many bytes it took. */
static size_t fill_log(struct daemon_bed *bed)
{
	static const char filling[4096];
	size_t filled = 0;
	ssize_t len;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/2", bed->daemon.pid);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	while ((len = write(fd, filling, sizeof(filling))) > 0)
		filled += (size_t)len;
	close(fd);
	return filled;
}

static void drain_log(struct daemon_bed *bed, size_t filled)
{
	char bytes[4096];
	ssize_t len;

	while (filled) {
		len = read(bed->daemon.err.fd, bytes,
			   filled < sizeof(bytes) ? filled : sizeof(bytes));
		assert_true(len > 0);
		filled -= (size_t)len;
	}
}

static void a_log_that_nobody_reads_holds_nothing_up(void **state)
{
	static const char set[] = "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":4096}}";
	struct daemon_bed *bed = *state;
	size_t filled = fill_log(bed);

	assert_true(filled > 0);
	json_decref(control_call(&bed->control, set));
	json_decref(control_call(&bed->control, set));
	drain_log(bed, filled);
	json_decref(control_call(&bed->control, set));
	process_await(&bed->daemon, "2 lines were left out here");
}

static void a_flood_of_orders_does_not_flood_the_log(void **state)
{
	static const char set[] = "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":4096}}";
	struct daemon_bed *bed = *state;
	unsigned int lines = 0;
	const char *line;
	int i;

	for (i = 0; i < 1000; i++)
		json_decref(control_call(&bed->control, set));
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	for (line = bed->daemon.err.text; (line = strchr(line, '\n')); line++)
		lines++;
	assert_in_range(lines, 1, 200);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)
#define DAEMON_TEST(name)                                                                          \
	cmocka_unit_test_setup_teardown(name, daemon_bed_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(capabilities_are_printed_whatever_else_is_asked),
		TEST(help_and_version_are_printed),
		TEST(an_unknown_option_is_named),
		TEST(an_option_without_its_value_is_named),
		TEST(a_path_and_a_descriptor_together_are_refused),
		TEST(a_front_end_has_to_be_able_to_come),
		TEST(the_two_sockets_are_two),
		TEST(a_page_size_is_a_power_of_two_from_4k_to_1g),
		TEST(the_traditional_balloon_has_pages_and_features_of_its_own),
		TEST(passthrough_is_one_of_three_words),
		TEST(a_descriptor_has_to_be_a_unix_stream_socket),
		TEST(a_path_in_no_directory_is_refused),
		TEST(a_path_that_this_user_may_not_write_to_is_refused),
		TEST(a_path_that_is_too_long_is_refused),
		TEST(a_file_that_is_no_socket_is_left_alone),
		DAEMON_TEST(a_path_that_a_living_daemon_serves_is_left_to_it),
		TEST(a_socket_that_a_dead_daemon_left_is_replaced),
		DAEMON_TEST(a_successors_socket_is_not_unlinked),
		DAEMON_TEST(the_control_socket_is_this_users_alone),
		DAEMON_TEST(each_ending_signal_is_a_clean_end),
		TEST(a_connected_descriptor_is_served_until_it_closes),
		TEST(a_listening_descriptor_is_served_again_and_again),
		DAEMON_TEST(a_log_that_nobody_reads_holds_nothing_up),
		DAEMON_TEST(a_flood_of_orders_does_not_flood_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
