// SPDX-License-Identifier: BSD-3-Clause
/*
 * The supervisor itself ends, and the service manager hands what it has stored to the next one:
 * monitor and guest do not notice. Where that cannot be, the monitor is told by its socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd_store.h"
#include "supervised.h"
#include "supervisor/depot.h"

#define SELF "/proc/self/exe"
#define STATE "kept-1" /* the memory file */
/* Without a front end: the memory file, and what was ordered. */
#define STORED_ALONE 2

static struct port_front front;
static char self[256];
static int sockets[2]; /* vhost, control */

static int listening(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int set_up(void **state)
{
	struct daemon_bed *bed;

	daemon_bed_empty_set_up(state);
	bed = *state;
	fd_store_open(daemon_bed_path(bed, "manager"));
	sockets[0] = listening(bed->socket_path);
	sockets[1] = listening(bed->control_path);
	return 0;
}

static int tear_down(void **state)
{
	struct daemon_bed *bed = *state;

	if (bed->daemon.pid)
		process_stop(&bed->daemon, SIGTERM);
	fd_store_close();
	close(sockets[0]);
	close(sockets[1]);
	unlink(bed->socket_path);
	unlink(bed->control_path);
	unlink(daemon_bed_path(bed, "manager"));
	return daemon_bed_tear_down(state);
}

static void start(struct daemon_bed *bed)
{
	fd_store_start(&bed->daemon, self, WORDS(VBALLOOND, "--no-config", "--supervise", "yes"),
		       "vhost:control", sockets, 2);
}

static void begin(struct daemon_bed *bed)
{
	start(bed);
	port_front_open(&front, daemon_bed_socket(bed), NULL);
	port_front_start(&front);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, &front, 300);
	assert_true(fd_store_count() > STORED_ALONE);
}

/* Another one goes on, with the balloon, the order, and all else. */
static void assert_goes_on(struct daemon_bed *bed)
{
	start(bed);
	supervised_assert_sound(bed, &front, 300);
	process_await(&bed->daemon, "going on with what the service manager had stored");
	supervised_set(bed, 200);
	supervised_assert_sound(bed, &front, 200);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, &front, 300);
}

static void kill_supervisor(struct daemon_bed *bed, pid_t worker)
{
	assert_int_equal(kill(bed->daemon.pid, SIGKILL), 0);
	supervised_await_end(worker);
	assert_int_equal(process_wait(&bed->daemon), -1);
}

static void a_restart_of_the_service_is_not_noticed(void **state)
{
	struct daemon_bed *bed = *state;

	begin(bed);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
		assert_goes_on(bed);
	}
	port_front_close(&front);
	/* What was the front end's is let go of. */
	fd_store_await(STORED_ALONE);
}

static void the_death_of_the_supervisor_is_not_noticed(void **state)
{
	struct daemon_bed *bed = *state;

	begin(bed);
	for (unsigned int i = 0; i < 3; i++) {
		kill_supervisor(bed, supervised_worker(bed));
		assert_goes_on(bed);
	}
	/* A worker of the next one dies as any. */
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	process_await(&bed->daemon, "the worker was ended by signal 9");
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

/* With descriptors, and one that is answered. */
static void send_messages(void)
{
	assert_int_equal(vballoon_front_end_share_memory(&front.wire), 0);
	assert_int_equal(
		vballoon_link_send(&front.wire.link, VHOST_USER_GET_FEATURES, 0, NULL, 0, NULL, 0),
		0);
}

static void receive_answer(void)
{
	uint64_t features = 0;

	assert_int_equal(vballoon_link_receive(&front.wire.link, VHOST_USER_GET_FEATURES, &features,
					       sizeof(features)),
			 sizeof(features));
	assert_int_equal(features, front.offered);
}

static void a_message_at_hand_is_carried_out_by_another(void **state)
{
	struct daemon_bed *bed = *state;
	pid_t worker;
	int status;
	long call;

	begin(bed);
	worker = supervised_seize(bed, 0);
	supervised_await_waiting(worker);
	send_messages();
	do {
		call = supervised_next_call(worker, NULL);
		assert_true(call != SUPERVISED_DIED);
	} while (call != SYS_sendto);
	assert_int_equal(kill(bed->daemon.pid, SIGKILL), 0);
	/* It goes with it, and is ours to look at. */
	while (waitpid(worker, &status, __WALL) == worker && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, worker, NULL, NULL);
	assert_int_equal(process_wait(&bed->daemon), -1);
	start(bed);
	receive_answer();
	supervised_set(bed, 310);
	supervised_assert_sound(bed, &front, 310);
	port_front_close(&front);
}

/* The front end is hung up on, and the next one is served. */
static void assert_turned_away(struct daemon_bed *bed)
{
	char byte;

	start(bed);
	process_await(&bed->daemon, "had stored cannot be gone on from");
	assert_int_equal(recv(front.wire.link.socket, &byte, 1, 0), 0);
	port_front_close(&front);
	fd_store_await(STORED_ALONE);
	port_front_open(&front, daemon_bed_socket(bed), NULL);
	port_front_start(&front);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

static void without_all_that_was_stored_nobody_goes_on(void **state)
{
	struct daemon_bed *bed = *state;

	begin(bed);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	fd_store_drop("kept-6");
	assert_turned_away(bed);
}

static void in_the_midst_of_something_nobody_goes_on(void **state)
{
	struct daemon_bed *bed = *state;
	struct vballoon_depot_file *file;

	begin(bed);
	kill_supervisor(bed, supervised_worker(bed));
	file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, fd_store_find(STATE),
		    0);
	assert_true(file != MAP_FAILED);
	assert_int_equal(file->busy, 0);
	file->busy = 1;
	munmap(file, sizeof(*file));
	assert_turned_away(bed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_restart_of_the_service_is_not_noticed),
		CASE(the_death_of_the_supervisor_is_not_noticed),
		CASE(a_message_at_hand_is_carried_out_by_another),
		CASE(without_all_that_was_stored_nobody_goes_on),
		CASE(in_the_midst_of_something_nobody_goes_on),
	};
	ssize_t len;

	fd_store_main(argc, argv);
	len = readlink(SELF, self, sizeof(self) - 1);
	self[len > 0 ? len : 0] = '\0';
	return cmocka_run_group_tests(tests, NULL, NULL);
}
