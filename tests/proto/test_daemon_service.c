// SPDX-License-Identifier: BSD-3-Clause
/* vballoond as a service manager starts it: its configuration, the sockets that it is
 * handed, and what it tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon_bed.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2

/* The manager is a shell, so that LISTEN_PID is the daemon's own. */
#define HANDED(count, names, ...)                                                                  \
	WORDS("/bin/sh", "-c",                                                                     \
	      "LISTEN_PID=$$ LISTEN_FDS=" count " LISTEN_FDNAMES=" names " exec \"$@\"", "sh",     \
	      VBALLOOND, "--no-config", ##__VA_ARGS__)

static int bound(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void assert_ends(const char *const *words, int fd, int status, const char *text)
{
	struct process process;

	assert_int_equal(process_run(&process, words, fd), status);
	if (!strstr(process.err.text, text))
		fail_msg("it should say \"%s\", but says: %s", text, process.err.text);
}

static const char *config_file(struct daemon_bed *bed, const char *text)
{
	const char *path = daemon_bed_path(bed, "config");
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void a_front_ends_socket_is_handed_over(void **state)
{
	struct daemon_bed *bed = *state;
	int fd = bound(bed->socket_path, SOCK_STREAM);

	process_start(&bed->daemon, HANDED("1", "vhost"), fd);
	close(fd);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, 5, 0), 0);
	unlink(bed->socket_path);
}

static void a_control_socket_is_handed_over(void **state)
{
	struct daemon_bed *bed = *state;
	int fd = bound(bed->control_path, SOCK_STREAM);

	process_start(&bed->daemon, HANDED("1", "control", "--socket-path", bed->socket_path), fd);
	close(fd);
	process_await(&bed->daemon, "waiting for a front end");
	control_open(&bed->control, bed->control_path);
	daemon_bed_assert_state(bed, "no-front-end");
	/* Who handed it over unlinks it. */
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	assert_int_equal(unlink(bed->control_path), 0);
}

static void a_socket_needs_a_name_that_is_known(void **state)
{
	struct daemon_bed *bed = *state;
	int fd = bound(bed->socket_path, SOCK_STREAM);

	assert_ends(HANDED("1", "vballoond@1.socket"), fd, EXIT_USAGE, "FileDescriptorName=vhost");
	assert_ends(HANDED("2", "vhost:vhost"), fd, EXIT_USAGE, "two sockets named \"vhost\"");
	assert_ends(HANDED("3", "vhost"), fd, EXIT_USAGE, "at most 2");
	close(fd);
	unlink(bed->socket_path);
}

static void a_socket_is_handed_over_or_named_but_not_both(void **state)
{
	struct daemon_bed *bed = *state;
	int fd = bound(bed->socket_path, SOCK_STREAM);

	assert_ends(HANDED("1", "vhost", "--socket-path", "x"), fd, EXIT_USAGE,
		    "leave out --socket-path");
	assert_ends(HANDED("1", "control", "--control-path", "x"), fd, EXIT_USAGE,
		    "leave out --control-path");
	close(fd);
	unlink(bed->socket_path);
}

static void what_was_handed_to_another_process_is_not_taken(void **state)
{
	assert_ends(WORDS("/bin/sh", "-c",
			  "LISTEN_PID=1 LISTEN_FDS=1 LISTEN_FDNAMES=vhost exec \"$@\"", "sh",
			  VBALLOOND, "--no-config"),
		    -1, EXIT_USAGE, "give --socket-path");
	(void)state;
}

static void a_control_socket_that_was_handed_over_has_to_listen(void **state)
{
	struct daemon_bed *bed = *state;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_ends(HANDED("1", "control", "--socket-path", bed->socket_path), file, EXIT_FAILED,
		    "Unix stream socket that listens");
	close(file);
}

static void assert_told(int manager, const char *text)
{
	struct pollfd input = { .fd = manager, .events = POLLIN };
	char told[256] = "";

	assert_int_equal(poll(&input, 1, PROCESS_PATIENCE_MS), 1);
	assert_true(recv(manager, told, sizeof(told) - 1, 0) > 0);
	assert_string_equal(told, text);
}

static void assert_the_manager_is_told(struct daemon_bed *bed, int manager, const char *address)
{
	setenv("NOTIFY_SOCKET", address, 1);
	process_start(&bed->daemon,
		      WORDS(VBALLOOND, "--no-config", "--socket-path", bed->socket_path), -1);
	unsetenv("NOTIFY_SOCKET");
	assert_told(manager, "READY=1\nSTATUS=waiting for a front end");
	/* Ready means that it can be connected to. */
	daemon_bed_connect(bed);
	assert_told(manager, "STATUS=serving a front end");
	daemon_bed_disconnect(bed);
	assert_told(manager, "STATUS=waiting for a front end");
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	assert_told(manager, "STOPPING=1");
	close(manager);
}

static void the_manager_is_told_how_the_daemon_is(void **state)
{
	const char *path = daemon_bed_path(*state, "notify");

	assert_the_manager_is_told(*state, bound(path, SOCK_DGRAM), path);
	unlink(path);
}

static void the_manager_may_have_an_abstract_address(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(name, sizeof(name), "@vballoon-test-%d", getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	assert_the_manager_is_told(*state, fd, name);
}

static void a_manager_that_does_not_listen_is_no_failure(void **state)
{
	struct daemon_bed *bed = *state;

	setenv("NOTIFY_SOCKET", daemon_bed_path(bed, "nobody"), 1);
	process_start(&bed->daemon,
		      WORDS(VBALLOOND, "--no-config", "--socket-path", bed->socket_path), -1);
	unsetenv("NOTIFY_SOCKET");
	process_await(&bed->daemon, "the service manager cannot be told");
	process_await(&bed->daemon, "waiting for a front end");
	daemon_bed_connect(bed);
}

static void settings_come_from_a_file(void **state)
{
	struct daemon_bed *bed = *state;
	char text[256];
	const char *path;

	snprintf(text, sizeof(text), "socket-path = %s\ncontrol-path = %s\npage-size = 2M\n",
		 bed->socket_path, bed->control_path);
	path = config_file(bed, text);
	process_start(&bed->daemon, WORDS(VBALLOOND, "--config", path), -1);
	process_await(&bed->daemon, "waiting for a front end");
	unlink(path);
	control_open(&bed->control, bed->control_path);
	assert_int_equal(daemon_bed_status_integer(bed, "page_bytes"), 2 << 20);
}

static void the_command_line_counts_more_than_a_file(void **state)
{
	struct daemon_bed *bed = *state;
	const char *path = config_file(bed, "page-size = 2M\nsocket-path = /nowhere/at/all\n");
	int fd = bound(bed->socket_path, SOCK_STREAM);

	process_start(&bed->daemon,
		      WORDS(VBALLOOND, "--config", path, "--fd", "3", "--page-size", "8K",
			    "--control-path", bed->control_path),
		      fd);
	close(fd);
	daemon_bed_connect(bed);
	process_await(&bed->daemon, "a front end has connected");
	unlink(path);
	control_open(&bed->control, bed->control_path);
	assert_int_equal(daemon_bed_status_integer(bed, "page_bytes"), 8 << 10);
	unlink(bed->socket_path);
}

static void a_typo_in_a_file_is_told_with_its_line(void **state)
{
	const char *path = config_file(*state, "# of this host\npgae-size = 2M\n");
	char told[160];

	snprintf(told, sizeof(told), "%s:2: there is no setting \"pgae-size\"", path);
	assert_ends(WORDS(VBALLOOND, "--config", path), -1, EXIT_USAGE, told);
	path = config_file(*state, "\n\npage-size = 2X\n");
	snprintf(told, sizeof(told), "%s:3: page-size = 2X: it is no size", path);
	assert_ends(WORDS(VBALLOOND, "--config", path), -1, EXIT_USAGE, told);
	unlink(path);
}

/* Whoever has mistyped one looks for it there. */
static void all_settings_are_named_to_whoever_has_mistyped_one(void **state)
{
	const char *path = config_file(*state, "host-presure = 20%\n");

	assert_ends(WORDS(VBALLOOND, "--config", path), -1, EXIT_USAGE,
		    "\"host-presure\": there are socket-path, traditional-socket-path, ");
	assert_ends(WORDS(VBALLOOND, "--config", path), -1, EXIT_USAGE,
		    ", floor, inflate-rate, host-pressure\n");
	unlink(path);
}

static void a_file_and_no_file_together_are_refused(void **state)
{
	(void)state;
	assert_ends(WORDS(VBALLOOND, "--config", "x", "--no-config"), -1, EXIT_USAGE,
		    "give one of them");
	assert_ends(WORDS(VBALLOOND, "--config", "/nowhere/x"), -1, EXIT_USAGE, "/nowhere/x");
}

static void the_control_socket_is_the_groups_too(void **state)
{
	struct daemon_bed *bed = *state;
	char group[16];
	struct stat st;

	snprintf(group, sizeof(group), "%u", getegid());
	process_start(&bed->daemon,
		      WORDS(VBALLOOND, "--no-config", "--socket-path", bed->socket_path,
			    "--control-path", bed->control_path, "--control-group", group),
		      -1);
	process_await(&bed->daemon, "waiting for a front end");
	assert_int_equal(stat(bed->control_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, getegid());
	control_open(&bed->control, bed->control_path);
}

static void the_control_sockets_mode_can_be_given(void **state)
{
	struct daemon_bed *bed = *state;
	struct stat st;

	process_start(&bed->daemon,
		      WORDS(VBALLOOND, "--no-config", "--socket-path", bed->socket_path,
			    "--control-path", bed->control_path, "--control-mode", "666"),
		      -1);
	process_await(&bed->daemon, "waiting for a front end");
	assert_int_equal(stat(bed->control_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	control_open(&bed->control, bed->control_path);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_front_ends_socket_is_handed_over),
		TEST(a_control_socket_is_handed_over),
		TEST(a_socket_needs_a_name_that_is_known),
		TEST(a_socket_is_handed_over_or_named_but_not_both),
		TEST(what_was_handed_to_another_process_is_not_taken),
		TEST(a_control_socket_that_was_handed_over_has_to_listen),
		TEST(the_manager_is_told_how_the_daemon_is),
		TEST(the_manager_may_have_an_abstract_address),
		TEST(a_manager_that_does_not_listen_is_no_failure),
		TEST(settings_come_from_a_file),
		TEST(the_command_line_counts_more_than_a_file),
		TEST(a_typo_in_a_file_is_told_with_its_line),
		TEST(all_settings_are_named_to_whoever_has_mistyped_one),
		TEST(a_file_and_no_file_together_are_refused),
		TEST(the_control_socket_is_the_groups_too),
		TEST(the_control_sockets_mode_can_be_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
