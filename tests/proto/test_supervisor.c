// SPDX-License-Identifier: BSD-3-Clause
/*
 * A supervisor whose worker is in somebody else's hands, or whose host has nothing to give for a
 * while: it goes on to hear, keeps nothing that it was not asked to keep, and starts the next one.
 * The worker is this program, too, in one of the roles below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"
#include "supervisor/note.h"
#include "supervisor/parcel.h"
#include "supervisor/relay.h"
#include "supervisor/store.h"
#include "supervisor/supervisor.h"

#define DONE "the worker is done\n"
#define ERR_FD 9 /* standard error, whatever becomes of that */
#define NOTES 100
#define FDS_FEW 24
#define TALKERS 4
#define FORKS_FAILING 3
#define REQUEST 77

pid_t __wrap_fork(void);
pid_t __real_fork(void);

/* The host fails some, but not the first. */
static bool forks_fail;

pid_t __wrap_fork(void)
{
	static unsigned int forks;

	if (!forks_fail || !forks++ || forks > 1 + FORKS_FAILING)
		return __real_fork();
	errno = EAGAIN;
	return -1;
}

static void __attribute__((format(printf, 2, 3))) write_log(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	va_start(args, format);
	vdprintf(STDERR_FILENO, format, args);
	va_end(args);
	dprintf(STDERR_FILENO, "\n");
}

/* What follows is said and done by the worker. */

static int keeper(void)
{
	return atoi(getenv(VBALLOON_ENV_KEEPER));
}

static bool is_first(void)
{
	return !atoi(getenv(VBALLOON_ENV_STARTS));
}

static void say(const char *text, const int *fds, unsigned int fd_count)
{
	if (vballoon_parcel_send(keeper(), text, strlen(text), fds, fd_count, 0))
		_exit(1);
}

/* Wait for an answer, and what comes with it. */
static int hear(void)
{
	char text[VBALLOON_KEEPER_ANSWER_BYTES];
	int fd;

	if (vballoon_parcel_receive_one(keeper(), text, sizeof(text), &fd, 0) <= 0)
		_exit(1);
	return fd;
}

static void rest(void)
{
	dprintf(ERR_FD, DONE);
	for (;;)
		pause();
}

static void die(void)
{
	say("READY=1", NULL, 0);
	raise(SIGKILL);
}

static void be_no_front_end(void)
{
	const int event = eventfd(0, EFD_CLOEXEC);

	say("FDSTORE=1\nFDNAME=front-end", &event, 1);
	hear();
	rest();
}

static void send_too_much(void)
{
	const int events[] = { eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC) };

	for (unsigned int i = 0; i < NOTES; i++) {
		say("FDSTORE=1", events, 2);
		hear();
	}
	rest();
}

/* Notes that take longer to read than to write, by several at once. */
static void say_on_and_on(void)
{
	static char note[VBALLOON_NOTE_BYTES];

	memset(note, '\n', sizeof(note) - 1);
	for (unsigned int i = 1; i < TALKERS; i++) {
		if (!fork())
			break;
	}
	dprintf(ERR_FD, DONE);
	for (;;)
		say(note, NULL, 0);
}

static void hang_up(void)
{
	if (is_first()) {
		say("READY=1", NULL, 0);
		close(keeper());
		for (;;)
			pause();
	}
	rest();
}

static void die_first(void)
{
	if (is_first())
		die();
	rest();
}

/* What this worker was given under a name; -1: nothing. */
static int given_as(const char *name)
{
	const char *kept = getenv(VBALLOON_ENV_KEPT), *at;
	char word[VBALLOON_STORE_NAME_BYTES + 1];

	snprintf(word, sizeof(word), "%s=", name);
	at = kept ? strstr(kept, word) : NULL;
	return at ? atoi(at + strlen(word)) : -1;
}

/* The next worker finds under a name what was kept under it, and nothing of the supervisor's. */
static void be_kept_and_front_end(void)
{
	int ends[2], type = 0;
	socklen_t len = sizeof(type);

	say("READY=1", NULL, 0);
	if (is_first()) {
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends);
		say("FDSTORE=1\nFDNAME=socket", &ends[0], 1);
		hear();
		say("FDSTORE=1\nFDNAME=front-end", &ends[0], 1);
		hear();
		raise(SIGKILL);
	}
	if (!getsockopt(given_as("socket"), SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_DGRAM)
		rest();
	_exit(1);
}

static void keep(const char *name, int fd)
{
	char note[64];

	snprintf(note, sizeof(note), "FDSTORE=1\nFDNAME=%s", name);
	say(note, &fd, 1);
	hear();
}

/* All that can be kept is, and something as if it were a relay. */
static void fill_up(void)
{
	const int event = eventfd(0, EFD_CLOEXEC);
	char name[VBALLOON_STORE_NAME_BYTES];
	int ends[2];

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	keep(VBALLOON_KEPT_FRONT_END, ends[1]);
	keep(VBALLOON_KEPT_RELAY, event);
	for (unsigned int i = 0; i < VBALLOON_STORE_MAX; i++) {
		snprintf(name, sizeof(name), "name-%u", i);
		keep(name, event);
	}
	die();
}

/* The next one has room for its relay, and one alone. */
static void leave_no_room(void)
{
	const char *kept = getenv(VBALLOON_ENV_KEPT);
	int type = 0;
	socklen_t len = sizeof(type);

	if (is_first())
		fill_up();
	say("READY=1", NULL, 0);
	if (!strncmp(kept, VBALLOON_KEPT_RELAY "=", strlen(VBALLOON_KEPT_RELAY "=")) &&
	    !strstr(kept, " " VBALLOON_KEPT_RELAY "=") &&
	    !getsockopt(given_as(VBALLOON_KEPT_RELAY), SOL_SOCKET, SO_TYPE, &type, &len) &&
	    type == SOCK_STREAM)
		rest();
	_exit(1);
}

/* The first one's relay takes nothing, as if the host had no room for more. */
static void take_nothing(void)
{
	const struct vballoon_relay_header message = { .request = REQUEST };
	int ends[2], relay;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	say("READY=1", NULL, 0);
	say("FDSTORE=1\nFDNAME=front-end", &ends[1], 1);
	relay = hear();
	shutdown(relay, SHUT_RD);
	send(ends[0], &message, sizeof(message), 0);
	poll(&(struct pollfd){ .fd = relay }, 1, -1);
	_exit(VBALLOON_WORKER_LOST);
}

static void be_given_it_again(void)
{
	struct {
		struct vballoon_relay_header header;
		struct vballoon_relay_next next;
		struct vballoon_relay_header message;
	} __attribute__((packed)) given;

	if (is_first())
		take_nothing();
	say("READY=1", NULL, 0);
	if (recv(given_as(VBALLOON_KEPT_RELAY), &given, sizeof(given), MSG_WAITALL) ==
		    sizeof(given) &&
	    given.message.request == REQUEST)
		rest();
	_exit(1);
}

static const struct {
	const char *name;
	void (*be)(void);
} roles[] = {
	{ "no-front-end", be_no_front_end }, { "too-much", send_too_much },
	{ "endless", say_on_and_on },	     { "hangs-up", hang_up },
	{ "no-forks", die_first },	     { "unread-log", die_first },
	{ "no-room", be_given_it_again },    { "twins", be_kept_and_front_end },
	{ "full", leave_no_room },
};

static int be_worker(const char *role)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (!strcmp(roles[i].name, role))
			roles[i].be();
	}
	return 1;
}

/* Nobody has the other end. */
static void lose_log(void)
{
	int ends[2];

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	dup2(ends[0], STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
}

static int be_supervisor(char **argv)
{
	dup2(STDERR_FILENO, ERR_FD);
	forks_fail = !strcmp(argv[1], "no-forks");
	if (!strcmp(argv[1], "unread-log"))
		lose_log();
	return vballoon_supervisor_run(argv, write_log);
}

/* And what follows by the test. */

static struct process supervisor;

static int end_if_there(void **state)
{
	(void)state;
	if (supervisor.pid)
		process_stop(&supervisor, SIGKILL);
	return 0;
}

static void start(const char *role)
{
	const char *const words[] = { process_self(), role, NULL };

	process_start(&supervisor, words, -1);
	process_await(&supervisor, DONE);
}

/* It is told to end, and does. */
static void stop(void)
{
	process_stop(&supervisor, SIGTERM);
}

static unsigned int count_descriptors(void)
{
	unsigned int count = 0;
	char path[64];
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", supervisor.pid);
	fds = opendir(path);
	assert_non_null(fds);
	while (readdir(fds))
		count++;
	closedir(fds);
	return count;
}

static void a_front_end_that_is_no_socket_takes_nothing_with_it(void **state)
{
	(void)state;
	start("no-front-end");
	stop();
}

static void what_comes_beyond_one_descriptor_is_closed(void **state)
{
	(void)state;
	start("too-much");
	assert_true(count_descriptors() < FDS_FEW);
	stop();
}

static void a_worker_that_says_more_and_more_keeps_nobody_from_being_heard(void **state)
{
	(void)state;
	start("endless");
	stop();
}

static void a_worker_that_hangs_up_is_followed(void **state)
{
	(void)state;
	start("hangs-up");
	stop();
}

static void a_host_that_cannot_fork_for_a_while_is_waited_for(void **state)
{
	(void)state;
	start("no-forks");
	assert_non_null(strstr(supervisor.err.text, "no worker can be started: "));
	stop();
}

static void a_log_that_nobody_reads_ends_nobody(void **state)
{
	(void)state;
	start("unread-log");
	stop();
}

static void a_message_that_cannot_be_given_is_given_to_the_next(void **state)
{
	(void)state;
	start("no-room");
	stop();
}

static void a_front_end_that_is_kept_too_leaves_its_number_to_nobody(void **state)
{
	(void)state;
	start("twins");
	stop();
}

static void whatever_is_kept_the_next_worker_has_its_relay(void **state)
{
	(void)state;
	start("full");
	stop();
}

#define CASE(name) cmocka_unit_test_teardown(name, end_if_there)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_front_end_that_is_no_socket_takes_nothing_with_it),
		CASE(what_comes_beyond_one_descriptor_is_closed),
		CASE(a_worker_that_says_more_and_more_keeps_nobody_from_being_heard),
		CASE(a_worker_that_hangs_up_is_followed),
		CASE(a_host_that_cannot_fork_for_a_while_is_waited_for),
		CASE(a_log_that_nobody_reads_ends_nobody),
		CASE(a_message_that_cannot_be_given_is_given_to_the_next),
		CASE(a_front_end_that_is_kept_too_leaves_its_number_to_nobody),
		CASE(whatever_is_kept_the_next_worker_has_its_relay),
	};

	if (argc == 2)
		return getenv(VBALLOON_ENV_KEEPER) ? be_worker(argv[1]) : be_supervisor(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
