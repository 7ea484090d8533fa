// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/call_filter.h"
#include "daemon/lookout.h"
#include "supervisor/parcel.h"

static int lookout = -1;

/* Returns whether all of it came; @fd_out is -1 when no descriptor did. */
static bool collect(int socket, void *bytes, size_t len, int *fd_out)
{
	return vballoon_parcel_receive_one(socket, bytes, len, fd_out, 0) == (ssize_t)len;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The life of the process: until the daemon's end of the socket has gone. */
static void look_out(int socket, const struct vballoon_socket *const *sockets)
{
	struct vballoon_lookout_request request;
	struct vballoon_lookout_answer answer;
	int fd, answer_fd;
	int err;

	while (collect(socket, &request, sizeof(request), &fd)) {
		vballoon_lookout_answer(&request, fd, sockets, &answer, &answer_fd);
		err = vballoon_parcel_send_one(socket, &answer, sizeof(answer), answer_fd, 0);
		close_if_open(fd);
		close_if_open(answer_fd);
		if (err)
			break;
	}
}

/* Only the socket stays open, so that nobody waits for what the daemon had. */
static void become_lookout(int socket, const struct vballoon_socket *const *sockets)
{
	if (socket && dup2(socket, 0) < 0)
		_exit(1);
	if (close_range(1, ~0U, 0))
		_exit(1);
	prctl(PR_SET_NAME, "vballoond-look");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		vballoon_call_filter_install(vballoon_lookout_calls, vballoon_lookout_calls_count);
	look_out(0, sockets);
	_exit(0);
}

int vballoon_lookout_start(const struct vballoon_socket *const *sockets)
{
	int ends[2], error;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid = fork();
	if (!pid)
		become_lookout(ends[1], sockets);
	error = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (error)
		close(ends[0]);
	else
		lookout = ends[0];
	return error;
}

/* Returns the answer's outcome; with @fd_out its descriptor, -1 if there is none. */
static int ask(struct vballoon_lookout_request *request, int fd,
	       const struct vballoon_socket *const *sockets,
	       struct vballoon_lookout_answer *answer_out, int *fd_out)
{
	if (lookout < 0) {
		vballoon_lookout_answer(request, fd, sockets, answer_out, fd_out);
		return answer_out->outcome;
	}
	*fd_out = -1;
	if (vballoon_parcel_send_one(lookout, request, sizeof(*request), fd, 0) ||
	    !collect(lookout, answer_out, sizeof(*answer_out), fd_out)) {
		memset(answer_out, 0, sizeof(*answer_out));
		answer_out->outcome = -EHOSTDOWN;
	}
	return answer_out->outcome;
}

/* Have the lookout hand out what is to be seen of process @pid without it. */
static void take_process(struct vballoon_interlock *interlock, pid_t pid)
{
	struct vballoon_lookout_request request = { .pid = pid };
	struct vballoon_lookout_answer answer;
	int fds[2];

	for (unsigned int i = 0; i < 2; i++) {
		request.question = i ? VBALLOON_LOOKOUT_DESCRIPTORS : VBALLOON_LOOKOUT_STATUS;
		if (ask(&request, -1, NULL, &answer, &fds[i]))
			fds[i] = answer.outcome;
		else if (fds[i] < 0)
			fds[i] = -EMFILE;
	}
	vballoon_process_take(&interlock->process, pid, fds[0], fds[1]);
}

/* Whether something is not to be seen here that the lookout sees. */
static bool lacks(const struct vballoon_interlock *interlock)
{
	return interlock->process.status < 0 ||
	       (interlock->known.descriptors && interlock->process.directory < 0);
}

/* What the lookout sees becomes what is known here. */
static bool ask_of_device(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms)
{
	struct vballoon_passthrough unknown = { .state = VBALLOON_PASSTHROUGH_UNKNOWN };
	struct vballoon_lookout_request request = {
		.question = VBALLOON_LOOKOUT_PASSTHROUGH,
		.pid = pid,
		.now_ms = now_ms,
	};
	struct vballoon_process *process = &interlock->process;
	struct vballoon_lookout_answer answer;
	bool changed;
	int fd;

	if (interlock->mode != VBALLOON_PASSTHROUGH_DETECT)
		return false;
	if (ask(&request, -1, NULL, &answer, &fd)) {
		snprintf(unknown.text, sizeof(unknown.text),
			 "whether a device is passed through cannot be told: the process that "
			 "looks has ended: start vballoond anew");
		return vballoon_interlock_take(interlock, &unknown, now_ms);
	}
	changed = vballoon_interlock_take(interlock, &answer.passthrough, now_ms);
	if (process->pid != pid || (vballoon_interlock_is_open(interlock) && lacks(interlock)))
		take_process(interlock, pid);
	return changed;
}

bool vballoon_lookout_look(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms)
{
	if (lookout < 0)
		return vballoon_interlock_look(interlock, pid, now_ms);
	return ask_of_device(interlock, pid, now_ms);
}

bool vballoon_lookout_check(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms)
{
	if (lookout < 0)
		return vballoon_interlock_check(interlock, pid, now_ms);
	if (vballoon_interlock_holds(interlock, pid, now_ms))
		return false;
	return ask_of_device(interlock, pid, now_ms);
}

int vballoon_lookout_pressure(unsigned int percent)
{
	struct vballoon_lookout_request request = {
		.question = VBALLOON_LOOKOUT_PRESSURE,
		.percent = percent,
	};
	struct vballoon_lookout_answer answer;
	int fd;
	int error = ask(&request, -1, NULL, &answer, &fd);

	if (!error && fd < 0)
		error = -EMFILE;
	return error ? error : fd;
}

int vballoon_lookout_memory(bool *short_out)
{
	struct vballoon_lookout_request request = { .question = VBALLOON_LOOKOUT_MEMORY };
	struct vballoon_lookout_answer answer;
	int fd;
	int error = ask(&request, -1, NULL, &answer, &fd);

	*short_out = answer.yes;
	return error;
}

int vballoon_lookout_access(int fd, const struct vballoon_access *access,
			    struct vballoon_peer *peer_out, bool *permitted_out)
{
	struct vballoon_lookout_request request = {
		.question = VBALLOON_LOOKOUT_ACCESS,
		.access = *access,
	};
	struct vballoon_lookout_answer answer;
	int answer_fd;
	int error = ask(&request, fd, NULL, &answer, &answer_fd);

	*permitted_out = !error && answer.yes;
	*peer_out = (struct vballoon_peer){ .pid = answer.pid, .uid = answer.uid };
	return error;
}

void vballoon_lookout_name(int fd, char *text, size_t len)
{
	struct vballoon_lookout_request request = { .question = VBALLOON_LOOKOUT_NAME };
	struct vballoon_lookout_answer answer;
	int answer_fd;

	if (ask(&request, fd, NULL, &answer, &answer_fd))
		snprintf(text, len, "unknown");
	else
		snprintf(text, len, "%d (%s)", answer.pid, answer.name);
}

void vballoon_lookout_unlink(const struct vballoon_socket *sock)
{
	const struct vballoon_socket *const sockets[] = { sock, NULL };
	struct vballoon_lookout_request request = {
		.question = VBALLOON_LOOKOUT_UNLINK,
		.dev = sock->dev,
		.ino = sock->ino,
	};
	struct vballoon_lookout_answer answer;
	int fd;

	ask(&request, -1, sockets, &answer, &fd);
}
