// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/front.h"
#include "supervisor/manager.h"
#include "supervisor/pace.h"
#include "supervisor/store.h"
#include "supervisor/worker.h"

#define NOTE_BYTES 4096
#define FDS_LOOKED_AT 1024

struct supervisor {
	void (*log)(int priority, const char *format, ...);
	struct vballoon_worker_program program;
	char path[PATH_MAX];
	struct vballoon_worker worker;
	struct vballoon_store store;
	struct vballoon_front front;
	int signals;
	bool stopping;
	bool over;
	int status; /* to end with, when it is over */
	struct vballoon_history history; /* of workers */
	unsigned int vain; /* in a row */
	uint64_t answered; /* by the worker before */
	uint64_t start_ms; /* when the next one is started */
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void finish(struct supervisor *super, int status)
{
	super->over = true;
	super->status = status;
}

/* The value of a line "NAME=value" in a note; NULL: there is none. */
static const char *value_of(const char *note, const char *name, char *value, size_t bytes)
{
	size_t name_len = strlen(name);
	const char *line = note;

	while (line) {
		size_t len = strcspn(line, "\n");

		if (len > name_len && !strncmp(line, name, name_len) && line[name_len] == '=') {
			len -= name_len + 1;
			if (len >= bytes)
				return NULL;
			memcpy(value, line + name_len + 1, len);
			value[len] = '\0';
			return value;
		}
		line = line[len] ? line + len + 1 : NULL;
	}
	return NULL;
}

/* A socket that the supervisor was started with (--fd) is not to be open a second time: the
 * front end could not be hung up on. */
static void close_twins(int fd)
{
	struct stat socket, other;

	if (fstat(fd, &socket))
		return;
	for (int i = STDERR_FILENO + 1; i < FDS_LOOKED_AT; i++) {
		if (i != fd && !fstat(i, &other) && other.st_ino == socket.st_ino &&
		    other.st_dev == socket.st_dev)
			close(i);
	}
}

static void keep(struct supervisor *super, const char *name, int fd)
{
	if (!strcmp(name, VBALLOON_KEPT_FRONT_END)) {
		close_twins(fd);
		vballoon_front_connect(&super->front, fd);
	} else if (!strcmp(name, VBALLOON_KEPT_RELAY))
		vballoon_front_attach(&super->front, fd);
	else if (!vballoon_store_keep(&super->store, name, fd))
		super->log(LOG_ERR, "there is no room to keep more of the worker's descriptors");
}

static void forget(struct supervisor *super, const char *name)
{
	if (!strcmp(name, VBALLOON_KEPT_FRONT_END))
		vballoon_front_disconnect(&super->front);
	else
		vballoon_store_forget(&super->store, name);
}

/* A new program is tried as the next worker; what runs is as good as dead. */
static void upgrade(struct supervisor *super)
{
	int fd = open(super->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		super->log(LOG_ERR, "there is no program to upgrade to: %s: %s", super->path,
			   strerror(errno));
		return;
	}
	if (super->program.next >= 0)
		close(super->program.next);
	super->program.next = fd;
	kill(super->worker.pid, SIGKILL);
}

static void become_ready(struct supervisor *super)
{
	super->worker.ready = true;
	super->worker.ready_ms = now_us() / 1000;
	if (super->program.next < 0)
		return;
	super->log(LOG_NOTICE, "upgraded: another program runs now");
	close(super->program.running);
	super->program.running = super->program.next;
	super->program.next = -1;
	super->history.upgrades++;
}

static void take_note(struct supervisor *super, const char *note, size_t len, int fd)
{
	char name[VBALLOON_STORE_NAME_BYTES], value[8];
	bool has_name = value_of(note, "FDNAME", name, sizeof(name));

	if (value_of(note, "FDSTORE", value, sizeof(value)) && has_name && fd >= 0) {
		keep(super, name, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (value_of(note, "FDSTOREREMOVE", value, sizeof(value)) && has_name) {
		forget(super, name);
		return;
	}
	if (value_of(note, "UPGRADE", value, sizeof(value))) {
		upgrade(super);
		return;
	}
	if (value_of(note, "READY", value, sizeof(value)))
		become_ready(super);
	(void)vballoon_manager_tell(note, len);
}

/* Returns whether there was one. */
static bool read_note(struct supervisor *super)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char note[NOTE_BYTES + 1];
	struct iovec all = { .iov_base = note, .iov_len = NOTE_BYTES };
	struct msghdr msg = { .msg_iov = &all,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(super->worker.keeper, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fd = -1;

	if (got <= 0)
		return false;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	note[got] = '\0';
	take_note(super, note, (size_t)got, fd);
	return true;
}

static void start(struct supervisor *super)
{
	int relay[2] = { -1, -1 };
	int err;

	super->start_ms = 0;
	if (super->front.socket >= 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, relay)) {
			super->log(LOG_ERR, "no worker can be started: %s", strerror(errno));
			finish(super, EXIT_FAILURE);
			return;
		}
		vballoon_front_attach(&super->front, relay[0]);
	}
	err = vballoon_worker_start(&super->worker, &super->program, &super->store, relay[1],
				    &super->history);
	super->history.starts++;
	if (err) {
		super->log(LOG_ERR, "no worker can be started: %s", strerror(-err));
		finish(super, EXIT_FAILURE);
	}
}

/* A message that ends every worker is nobody's to answer. */
static void judge_message(struct supervisor *super)
{
	if (super->front.deaths < VBALLOON_PACE_MESSAGE_MAX)
		return;
	super->log(LOG_ERR, "the front end is turned away: %u workers have died of one message",
		   super->front.deaths);
	vballoon_front_disconnect(&super->front);
}

/* Whether another worker follows, and when. */
static void follow(struct supervisor *super)
{
	uint64_t now_ms = now_us() / 1000;
	bool worth =
		super->worker.ready && (now_ms - super->worker.ready_ms >= VBALLOON_PACE_WORTH_MS ||
					super->front.answered != super->answered);

	super->answered = super->front.answered;
	super->vain = worth ? 0 : super->vain + 1;
	if (super->vain > VBALLOON_PACE_MAX) {
		super->log(LOG_ERR,
			   "giving up: %u workers have died in a row, as soon as they were started",
			   super->vain);
		finish(super, EXIT_FAILURE);
		return;
	}
	super->start_ms = now_ms + vballoon_pace_wait_ms(super->vain);
}

/* A new program that does not come up is given up for the one before. */
static bool fall_back(struct supervisor *super)
{
	if (super->program.next < 0 || super->worker.ready)
		return false;
	super->log(LOG_ERR, "the new program does not run: going back to the one before");
	close(super->program.next);
	super->program.next = -1;
	super->start_ms = now_us() / 1000;
	return true;
}

static void worker_ended(struct supervisor *super, int status, bool upgrading)
{
	super->history.ended_us = now_us();
	while (read_note(super))
		;
	vballoon_front_detach(&super->front);
	close(super->worker.keeper);
	super->worker.keeper = -1;
	super->worker.pid = 0;
	if (super->stopping) {
		finish(super, WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
		return;
	}
	if (!upgrading && fall_back(super))
		return;
	if (WIFEXITED(status)) {
		finish(super, WEXITSTATUS(status));
		return;
	}
	super->history.deaths += !upgrading;
	super->log(upgrading ? LOG_NOTICE : LOG_ERR, "the worker was ended by signal %d%s",
		   WTERMSIG(status), upgrading ? ", for an upgrade" : ": another goes on");
	judge_message(super);
	follow(super);
}

static void look_for_end(struct supervisor *super)
{
	/* The one that is to give way is ready; the one that is tried in its place is not. */
	bool upgrading = super->program.next >= 0 && super->worker.ready;
	int status;

	if (super->worker.pid && waitpid(super->worker.pid, &status, WNOHANG) == super->worker.pid)
		worker_ended(super, status, upgrading);
}

static void take_signal(struct supervisor *super)
{
	struct signalfd_siginfo info;

	if (read(super->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		return;
	super->stopping = true;
	if (super->worker.pid)
		kill(super->worker.pid, (int)info.ssi_signo);
	else
		finish(super, EXIT_SUCCESS);
}

static int timeout_of(const struct supervisor *super)
{
	uint64_t now_ms = now_us() / 1000;

	if (super->worker.pid)
		return -1;
	return super->start_ms > now_ms ? (int)(super->start_ms - now_ms) : 0;
}

static void serve(struct supervisor *super)
{
	struct pollfd polled[4];

	while (!super->over) {
		polled[0] = (struct pollfd){ .fd = super->signals, .events = POLLIN };
		polled[1] = (struct pollfd){ .fd = super->worker.keeper, .events = POLLIN };
		vballoon_front_poll(&super->front, &polled[2], &polled[3]);
		if (poll(polled, 4, timeout_of(super)) < 0 && errno != EINTR) {
			super->log(LOG_ERR, "cannot wait for events: %s", strerror(errno));
			finish(super, EXIT_FAILURE);
		}
		if (polled[0].revents)
			take_signal(super);
		if (super->worker.keeper >= 0)
			while (read_note(super))
				;
		vballoon_front_work(&super->front);
		look_for_end(super);
		if (!super->over && !super->worker.pid && now_us() / 1000 >= super->start_ms)
			start(super);
	}
}

static int set_up(struct supervisor *super, char **argv)
{
	const char *listen_pid = getenv("LISTEN_PID");
	ssize_t len = readlink("/proc/self/exe", super->path, sizeof(super->path) - 1);
	sigset_t signals;

	if (len < 0)
		return -errno;
	super->path[len] = '\0';
	super->program.argv = argv;
	super->program.path = super->path;
	super->program.next = -1;
	super->program.running = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	super->program.takes_sockets = listen_pid && strtol(listen_pid, NULL, 10) == (long)getpid();
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &super->program.signals);
	super->signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return super->program.running < 0 || super->signals < 0 ? -errno : 0;
}

int vballoon_supervisor_run(char **argv, void (*log)(int priority, const char *format, ...))
{
	static struct supervisor super;
	int err;

	super.log = log;
	super.worker.keeper = super.signals = -1;
	vballoon_front_init(&super.front);
	err = set_up(&super, argv);
	if (err) {
		log(LOG_ERR, "cannot supervise: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	serve(&super);
	vballoon_front_disconnect(&super.front);
	return super.status;
}
