// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/supervisor.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/pace.h"
#include "supervisor/parts.h"
#include "supervisor/relay.h"

/* More than a socket has room for. */
#define NOTES_MAX 512

/* What is waited for. */
enum { SIGNALS, KEEPER, SOCKET, RELAY, POLLED };

uint64_t vballoon_supervisor_now_us(void)
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

/* A message that ends every worker is nobody's to answer. */
static void judge_message(struct supervisor *super)
{
	if (super->front->deaths < VBALLOON_PACE_MESSAGE_MAX)
		return;
	super->log(LOG_ERR, "the front end is turned away: %u workers have died of one message",
		   super->front->deaths);
	vballoon_supervisor_disconnect(super);
}

/* Whether a worker that has ended was any good. */
static bool was_worth(const struct supervisor *super)
{
	return super->worker.ready &&
	       (vballoon_supervisor_now_us() / 1000 - super->worker.ready_ms >=
			VBALLOON_PACE_WORTH_MS ||
		super->front->answered != super->answered);
}

/* Whether another worker follows, and when. */
static void follow(struct supervisor *super)
{
	super->vain = was_worth(super) ? 0 : super->vain + 1;
	if (super->vain > VBALLOON_PACE_MAX) {
		super->log(LOG_ERR,
			   "giving up: %u workers have died in a row, as soon as they were started",
			   super->vain);
		/* Else the service manager would hand it to the next one, that is of no more use,
		 * and it would wait for ever. */
		vballoon_supervisor_disconnect(super);
		finish(super, EXIT_FAILURE);
		return;
	}
	super->start_ms = vballoon_supervisor_now_us() / 1000 + vballoon_pace_wait_ms(super->vain);
}

/* A host that is short of something now may not be the next time. */
static void not_started(struct supervisor *super, int err)
{
	super->log(LOG_ERR, "no worker can be started: %s", strerror(-err));
	vballoon_front_detach(super->front);
	if (super->history->starts)
		follow(super);
	else
		finish(super, EXIT_FAILURE);
}

static void start(struct supervisor *super)
{
	int relay = -1, err = 0;

	super->start_ms = 0;
	super->gives_way = false;
	super->worker.ready = false;
	super->answered = super->front->answered;
	if (super->front->socket >= 0) {
		relay = vballoon_supervisor_renew_relay(super);
		err = relay < 0 ? relay : 0;
	}
	if (!err)
		err = vballoon_worker_start(&super->worker, &super->program,
					    &super->depot.file->store, relay, super->history);
	super->started_ms = vballoon_supervisor_now_us() / 1000;
	if (err)
		not_started(super, err);
	else
		super->history->starts++;
}

/* Of one that has ended: by what. */
static const char *cause_of(int status, char *text, size_t bytes)
{
	if (WIFSIGNALED(status))
		snprintf(text, bytes, "was ended by signal %d", WTERMSIG(status));
	else
		snprintf(text, bytes, "has ended with status %d", WEXITSTATUS(status));
	return text;
}

/* Whether it has ended because it was to, or could not do what nobody after it could. */
static bool has_finished(const struct supervisor *super, int status)
{
	return super->stopping ||
	       (WIFEXITED(status) && WEXITSTATUS(status) != VBALLOON_WORKER_LOST &&
		(super->worker.ready || super->history->starts == 1));
}

/* What the worker has said. Whoever says more for as long as it is heard keeps nobody waiting. */
static void read_notes(struct supervisor *super)
{
	for (unsigned int i = 0; i < NOTES_MAX && vballoon_supervisor_read_note(super); i++)
		;
}

static void hang_up(struct supervisor *super)
{
	if (super->worker.keeper >= 0)
		close(super->worker.keeper);
	super->worker.keeper = -1;
}

static void worker_ended(struct supervisor *super, int status)
{
	bool tried = vballoon_program_is_tried(&super->program) && !super->gives_way;
	char cause[64];

	cause_of(status, cause, sizeof(cause));
	super->history->ended_us = vballoon_supervisor_now_us();
	read_notes(super);
	vballoon_front_detach(super->front);
	hang_up(super);
	super->worker.pid = 0;
	if (super->stopping) {
		finish(super, WIFEXITED(status)	    ? WEXITSTATUS(status)
			      : super->depot.stores ? EXIT_SUCCESS
						    : EXIT_FAILURE);
	} else if (super->gives_way) {
		super->log(LOG_NOTICE, "the worker gives way to another program");
		super->start_ms = vballoon_supervisor_now_us() / 1000;
	} else if (tried) {
		super->log(LOG_ERR, "the new program %s%s: going back to the one before", cause,
			   super->worker.ready ? " at once" : " before it was ready");
		vballoon_program_give_up(&super->program);
		super->start_ms = vballoon_supervisor_now_us() / 1000;
	} else if (has_finished(super, status)) {
		finish(super, WEXITSTATUS(status));
	} else {
		super->history->deaths++;
		super->log(LOG_ERR, "the worker %s: another goes on", cause);
		judge_message(super);
		follow(super);
	}
}

/* Whoever was left behind by a worker is none of ours, but may be our child by now. */
static void look_for_end(struct supervisor *super)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == super->worker.pid)
			worker_ended(super, status);
	}
}

/* When what is tried is known to run, or not to; UINT64_MAX: nothing is tried. */
static uint64_t trial_ends_ms(const struct supervisor *super)
{
	if (!vballoon_program_is_tried(&super->program) || super->gives_way || !super->worker.pid)
		return UINT64_MAX;
	return super->worker.ready ? super->worker.ready_ms + VBALLOON_PACE_SETTLE_MS
				   : super->started_ms + VBALLOON_PACE_TRIAL_MS;
}

static void look_at_trial(struct supervisor *super)
{
	if (vballoon_supervisor_now_us() / 1000 < trial_ends_ms(super))
		return;
	if (super->worker.ready) {
		vballoon_supervisor_settle_program(super);
		return;
	}
	super->log(LOG_ERR, "the new program was not ready within %u ms", VBALLOON_PACE_TRIAL_MS);
	kill(super->worker.pid, SIGKILL);
	super->started_ms = vballoon_supervisor_now_us() / 1000;
}

static void take_signal(struct supervisor *super)
{
	struct signalfd_siginfo info;

	if (read(super->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		return;
	super->stopping = true;
	/* What is stored is for another supervisor, and a worker would tell it to be forgotten. */
	if (super->worker.pid)
		kill(super->worker.pid, super->depot.stores ? SIGKILL : (int)info.ssi_signo);
	else
		finish(super, EXIT_SUCCESS);
}

static int timeout_of(const struct supervisor *super)
{
	uint64_t now_ms = vballoon_supervisor_now_us() / 1000;
	uint64_t due_ms = super->worker.pid ? trial_ends_ms(super) : super->start_ms;

	if (due_ms == UINT64_MAX)
		return -1;
	return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

static void tell_of_depot(struct supervisor *super)
{
	if (!super->depot.error || super->told_error)
		return;
	super->told_error = true;
	super->log(LOG_ERR,
		   "the service manager cannot store all that is kept: the balloon would not "
		   "outlive this process: %s",
		   strerror(-super->depot.error));
}

static void hear_worker(struct supervisor *super, const struct pollfd *keeper)
{
	read_notes(super);
	if (!(keeper->revents & POLLHUP))
		return;
	/* Who has hung up ends, or is of no use; and takes its time, as all the guest's memory goes with it,
	 * in which poll() would not wait. */
	kill(super->worker.pid, SIGKILL);
	hang_up(super);
}

/* What there is to do, once it has been waited for. */
static void work(struct supervisor *super, const struct pollfd polled[POLLED])
{
	if (polled[SIGNALS].revents)
		take_signal(super);
	if (polled[KEEPER].revents)
		hear_worker(super, &polled[KEEPER]);
	vballoon_front_work(super->front, polled[SOCKET].revents, polled[RELAY].revents);
	if (polled[SIGNALS].revents)
		look_for_end(super);
	look_at_trial(super);
	if (!super->over && !super->worker.pid &&
	    vballoon_supervisor_now_us() / 1000 >= super->start_ms)
		start(super);
}

static void serve(struct supervisor *super)
{
	struct pollfd polled[POLLED];

	while (!super->over) {
		polled[SIGNALS] = (struct pollfd){ .fd = super->signals, .events = POLLIN };
		polled[KEEPER] = (struct pollfd){ .fd = super->worker.keeper, .events = POLLIN };
		vballoon_front_poll(super->front, &polled[SOCKET], &polled[RELAY]);
		if (poll(polled, POLLED, timeout_of(super)) < 0 && errno != EINTR) {
			super->log(LOG_ERR, "cannot wait for events: %s", strerror(errno));
			finish(super, EXIT_FAILURE);
			return;
		}
		vballoon_depot_begin_work(&super->depot);
		work(super, polled);
		vballoon_depot_end_work(&super->depot);
		tell_of_depot(super);
	}
}

/* Go on from where another supervisor was, if one was. */
static int open_depot(struct supervisor *super)
{
	int found = vballoon_depot_open(&super->depot);

	if (found < 0 && found != -ESTALE)
		return found;
	super->front = &super->depot.file->front;
	super->history = &super->depot.file->history;
	if (found == -ESTALE)
		super->log(LOG_ERR, "what the service manager had stored cannot be gone on from: "
				    "the front end is turned away");
	if (found <= 0)
		return 0;
	super->log(LOG_NOTICE, "going on with what the service manager had stored");
	super->history->ended_us = vballoon_supervisor_now_us();
	return 0;
}

static int set_up(struct supervisor *super, char **argv)
{
	int err = vballoon_program_init(&super->program, argv);
	sigset_t signals;

	if (!err)
		err = open_depot(super);
	if (err)
		return err;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &signals, &super->program.signals))
		return -errno;
	/* That nobody reads the log is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	super->signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return super->signals < 0 ? -errno : 0;
}

int vballoon_supervisor_run(char **argv, void (*log)(int priority, const char *format, ...))
{
	static struct supervisor super;
	int err;

	super.log = log;
	super.worker.keeper = super.signals = -1;
	err = set_up(&super, argv);
	if (err) {
		log(LOG_ERR, "cannot supervise: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	serve(&super);
	/* What is stored is the manager's to let go of. */
	if (!super.depot.stores)
		vballoon_front_disconnect(super.front);
	return super.status;
}
