// SPDX-License-Identifier: BSD-3-Clause
#include "stored.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fd_store.h"
#include "supervised.h"
#include "supervisor/depot.h"

#define STATE "kept-1" /* the memory file */
#define TRIES_MAX 20000 /* of a millisecond */

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

int stored_set_up(void **state)
{
	struct daemon_bed *bed;

	daemon_bed_empty_set_up(state);
	bed = *state;
	fd_store_open(daemon_bed_path(bed, "manager"));
	sockets[0] = listening(bed->socket_path);
	sockets[1] = listening(bed->control_path);
	return 0;
}

int stored_tear_down(void **state)
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

void stored_start_with(struct daemon_bed *bed, const char *const *more)
{
	const char *words[12] = { bed->program ? bed->program : VBALLOOND, "--no-config",
				  "--supervise", "yes" };

	for (unsigned int i = 4; *more && i < 11; i++)
		words[i] = *more++;
	fd_store_start(&bed->daemon, process_self(), words, "vhost:control", sockets, 2);
}

void stored_start(struct daemon_bed *bed)
{
	stored_start_with(bed, WORDS(NULL));
}

void stored_begin(struct daemon_bed *bed, struct port_front *front)
{
	stored_start(bed);
	port_front_open(front, daemon_bed_socket(bed), NULL);
	port_front_start(front);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, front, 300);
	assert_true(fd_store_count() > STORED_ALONE);
}

void stored_assert_goes_on(struct daemon_bed *bed, struct port_front *front)
{
	stored_start(bed);
	supervised_assert_sound(bed, front, 300);
	process_await(&bed->daemon, STORED_GOES_ON);
	supervised_set(bed, 200);
	supervised_assert_sound(bed, front, 200);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, front, 300);
}

struct vballoon_depot_file *stored_state(void)
{
	struct vballoon_depot_file *file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE,
						MAP_SHARED, fd_store_find(STATE), 0);

	assert_true(file != MAP_FAILED);
	return file;
}

void stored_stop(const struct daemon_bed *bed)
{
	struct vballoon_depot_file *file = stored_state();
	int status;

	for (unsigned int tries = 0;; tries++) {
		assert_int_equal(kill(bed->daemon.pid, SIGSTOP), 0);
		assert_int_equal(waitpid(bed->daemon.pid, &status, WUNTRACED), bed->daemon.pid);
		assert_true(WIFSTOPPED(status));
		if (!file->busy)
			break;
		assert_true(tries < TRIES_MAX);
		assert_int_equal(kill(bed->daemon.pid, SIGCONT), 0);
		supervised_sleep_ms(1);
	}
	munmap(file, sizeof(*file));
}

void stored_kill(struct daemon_bed *bed, pid_t worker)
{
	assert_int_equal(kill(bed->daemon.pid, SIGKILL), 0);
	supervised_await_end(worker);
	assert_int_equal(process_wait(&bed->daemon), -1);
}

void stored_send(struct port_front *front)
{
	assert_int_equal(vballoon_front_end_share_memory(&front->wire), 0);
	assert_int_equal(
		vballoon_link_send(&front->wire.link, VHOST_USER_GET_FEATURES, 0, NULL, 0, NULL, 0),
		0);
}

void stored_receive(struct port_front *front)
{
	uint64_t features = 0;

	assert_int_equal(vballoon_link_receive(&front->wire.link, VHOST_USER_GET_FEATURES,
					       &features, sizeof(features)),
			 sizeof(features));
	assert_int_equal(features, front->offered);
}

void stored_assert_hung_up_on(struct daemon_bed *bed, struct port_front *front)
{
	struct pollfd input = { .fd = front->wire.link.socket, .events = POLLIN };
	char bytes[64];
	ssize_t got;

	do {
		assert_int_equal(poll(&input, 1, PROCESS_PATIENCE_MS), 1);
		got = recv(front->wire.link.socket, bytes, sizeof(bytes), 0);
	} while (got > 0);
	assert_true(!got || errno == ECONNRESET);
	port_guest_check(&front->guest);
	port_front_close(front);
	fd_store_await(STORED_ALONE);
	port_front_open(front, daemon_bed_socket(bed), NULL);
	port_front_start(front);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, front, 300);
}
