// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/parcel.h"
#include "supervisor/relay.h"

#define CANNOT_START 127
#define LISTEN_FIRST_FD 3

/* Returns whether there was room for it. */
static bool set_number(const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return !setenv(name, text, 1);
}

/* What a service manager has handed to the supervisor is each worker's. */
static bool hand_over_sockets(void)
{
	const char *count = getenv("LISTEN_FDS");

	for (int i = 0; count && i < atoi(count); i++)
		fcntl(LISTEN_FIRST_FD + i, F_SETFD, 0);
	return set_number("LISTEN_PID", (uint64_t)getpid());
}

/* What it finds in its environment. One that was told less would take itself for something else. */
static bool tell(const struct vballoon_program *program, const struct vballoon_history *history,
		 const char *kept, int keeper)
{
	bool tried = vballoon_program_is_tried(program);

	return !setenv(VBALLOON_ENV_KEPT, kept, 1) &&
	       set_number(VBALLOON_ENV_KEEPER, (uint64_t)keeper) &&
	       set_number(VBALLOON_ENV_STARTS, history->starts) &&
	       set_number(VBALLOON_ENV_DEATHS, history->deaths) &&
	       set_number(VBALLOON_ENV_UPGRADES, history->upgrades + tried) &&
	       set_number(VBALLOON_ENV_TRIED, tried) &&
	       set_number(VBALLOON_ENV_DIED_US, history->ended_us) &&
	       (!program->takes_sockets || hand_over_sockets());
}

/* In the child. Does not return. */
static void become(const struct vballoon_program *program, const struct vballoon_store *store,
		   const struct vballoon_history *history, int keeper, int relay, pid_t parent)
{
	static char kept[VBALLOON_STORE_MAX * (VBALLOON_STORE_NAME_BYTES + 16)];
	size_t len = 0;

	/* What the supervisor had is gone with it: no worker outlives it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CANNOT_START);
	/* First, so that there is room for it with the worker, whatever else is kept. */
	if (relay >= 0) {
		len = (size_t)snprintf(kept, sizeof(kept), "%s=%d%s", VBALLOON_KEPT_RELAY, relay,
				       store->count ? " " : "");
		fcntl(relay, F_SETFD, 0);
	}
	vballoon_store_hand_over(store, kept + len, sizeof(kept) - len);
	fcntl(keeper, F_SETFD, 0);
	if (!tell(program, history, kept, keeper) ||
	    sigprocmask(SIG_SETMASK, &program->signals, NULL))
		_exit(CANNOT_START);
	fexecve(vballoon_program_is_tried(program) ? program->next : program->running,
		program->argv, environ);
	_exit(CANNOT_START);
}

int vballoon_worker_start(struct vballoon_worker *worker, const struct vballoon_program *program,
			  const struct vballoon_store *store, int relay,
			  const struct vballoon_history *history)
{
	/* It lies in memory that both have, and goes on when there is a worker. */
	const struct vballoon_history before = *history;
	pid_t parent = getpid();
	int keeper[2];
	int err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, keeper)) {
		err = -errno;
		if (relay >= 0)
			close(relay);
		return err;
	}
	worker->pid = fork();
	if (!worker->pid)
		become(program, store, &before, keeper[1], relay, parent);
	if (worker->pid < 0) {
		err = -errno;
		worker->pid = 0;
		close(keeper[0]);
	} else {
		worker->keeper = keeper[0];
	}
	close(keeper[1]);
	if (relay >= 0)
		close(relay);
	return err;
}

/* It waits for this, and has nothing else to read: so there is room, unless it is nobody's worker
 * any more, and then it is not waited for. One that cannot be answered would wait for ever: it ends, and
 * another goes on. */
static void send_to(const struct vballoon_worker *worker, const char *text, int fd)
{
	if (vballoon_parcel_send_one(worker->keeper, text, strlen(text), fd, MSG_DONTWAIT))
		shutdown(worker->keeper, SHUT_RDWR);
}

void vballoon_worker_give_relay(const struct vballoon_worker *worker, int relay)
{
	send_to(worker, "R", relay);
	if (relay >= 0)
		close(relay);
}

void vballoon_worker_tell(const struct vballoon_worker *worker, const char *text)
{
	send_to(worker, text, -1);
}
