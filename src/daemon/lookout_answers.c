// SPDX-License-Identifier: BSD-3-Clause
/* What the lookout sees, a function for each question. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/lookout.h"
#include "daemon/pressure.h"

#define PROC "/proc"

/* Who is not privileged may only have windows of whole multiples of 2 s. */
#define WINDOW_US 2000000U

/* What an answer is made from, and where it goes. */
struct inquiry {
	const struct vballoon_lookout_request *request;
	int fd;
	const struct vballoon_socket *const *sockets;
	struct vballoon_lookout_answer *answer;
	int *fd_out;
};

/* What is known of a front end's process: of two, as a machine with two devices may have. */
static struct vballoon_interlock *interlock_of(pid_t pid)
{
	static struct vballoon_interlock interlocks[2];
	static unsigned int next;
	struct vballoon_interlock *interlock;

	for (unsigned int i = 0; i < 2; i++) {
		if (interlocks[i].proc && interlocks[i].process.pid == pid)
			return &interlocks[i];
	}
	interlock = &interlocks[next++ % 2];
	if (interlock->proc)
		vballoon_interlock_end(interlock);
	vballoon_interlock_init(interlock, PROC, VBALLOON_PASSTHROUGH_DETECT);
	return interlock;
}

static int see_passthrough(const struct inquiry *inquiry)
{
	const struct vballoon_lookout_request *request = inquiry->request;
	struct vballoon_interlock *interlock = interlock_of(request->pid);

	vballoon_interlock_look(interlock, request->pid, request->now_ms);
	inquiry->answer->passthrough = interlock->known;
	return 0;
}

/* What is kept open of the process since it was looked at, and nothing else. */
static int see_status(const struct inquiry *inquiry)
{
	int status = interlock_of(inquiry->request->pid)->process.status;

	if (status < 0)
		return status;
	*inquiry->fd_out = fcntl(status, F_DUPFD_CLOEXEC, 0);
	return *inquiry->fd_out < 0 ? -errno : 0;
}

static int see_descriptors(const struct inquiry *inquiry)
{
	int fd = vballoon_process_directory(&interlock_of(inquiry->request->pid)->process);

	if (fd < 0)
		return fd;
	*inquiry->fd_out = fd;
	return 0;
}

static int see_pressure(const struct inquiry *inquiry)
{
	char trigger[64];
	int fd, len, error;

	len = snprintf(trigger, sizeof(trigger), "some %u %u",
		       WINDOW_US / 100 * inquiry->request->percent, WINDOW_US);
	fd = open(VBALLOON_PRESSURE_TRIGGER, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, trigger, (size_t)len + 1) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	*inquiry->fd_out = fd;
	return 0;
}

static int see_memory(const struct inquiry *inquiry)
{
	char meminfo[4096] = "";
	int fd = open(VBALLOON_PRESSURE_MEMINFO, O_RDONLY | O_CLOEXEC);
	ssize_t len;
	int error;

	if (fd < 0)
		return -errno;
	len = read(fd, meminfo, sizeof(meminfo) - 1);
	error = len < 0 ? -errno : 0;
	close(fd);
	inquiry->answer->yes = !error && vballoon_pressure_is_short(meminfo);
	return error;
}

static int see_access(const struct inquiry *inquiry)
{
	struct vballoon_peer peer;
	int error = vballoon_peer_of(inquiry->fd, &peer);

	if (error)
		return error;
	inquiry->answer->yes = vballoon_access_permits(&inquiry->request->access, geteuid(), &peer);
	inquiry->answer->pid = peer.pid;
	inquiry->answer->uid = peer.uid;
	vballoon_peer_free(&peer);
	return 0;
}

static int see_name(const struct inquiry *inquiry)
{
	struct vballoon_lookout_answer *answer = inquiry->answer;
	struct ucred peer = { .pid = 0 };
	socklen_t peer_len = sizeof(peer);
	char path[64];
	ssize_t len;
	int fd;

	if (getsockopt(inquiry->fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) || !peer.pid)
		return -ESRCH;
	answer->pid = peer.pid;
	snprintf(path, sizeof(path), PROC "/%d/comm", peer.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, answer->name, sizeof(answer->name) - 1);
	close(fd);
	answer->name[len > 0 ? len : 0] = '\0';
	answer->name[strcspn(answer->name, "\n")] = '\0';
	return 0;
}

static int unlink_socket(const struct inquiry *inquiry)
{
	const struct vballoon_lookout_request *request = inquiry->request;
	const struct vballoon_socket *sock;
	struct stat file;

	for (unsigned int i = 0; inquiry->sockets[i]; i++) {
		sock = inquiry->sockets[i];
		if (sock->path && sock->dev == request->dev && sock->ino == request->ino &&
		    !stat(sock->path, &file) && file.st_dev == sock->dev &&
		    file.st_ino == sock->ino)
			return unlink(sock->path) ? -errno : 0;
	}
	return -ENOENT;
}

static int (*const answers[VBALLOON_LOOKOUT_QUESTIONS])(const struct inquiry *inquiry) = {
	[VBALLOON_LOOKOUT_PASSTHROUGH] = see_passthrough,
	[VBALLOON_LOOKOUT_STATUS] = see_status,
	[VBALLOON_LOOKOUT_DESCRIPTORS] = see_descriptors,
	[VBALLOON_LOOKOUT_PRESSURE] = see_pressure,
	[VBALLOON_LOOKOUT_MEMORY] = see_memory,
	[VBALLOON_LOOKOUT_ACCESS] = see_access,
	[VBALLOON_LOOKOUT_NAME] = see_name,
	[VBALLOON_LOOKOUT_UNLINK] = unlink_socket,
};

void vballoon_lookout_answer(const struct vballoon_lookout_request *request, int fd,
			     const struct vballoon_socket *const *sockets,
			     struct vballoon_lookout_answer *answer_out, int *fd_out)
{
	const struct inquiry inquiry = { request, fd, sockets, answer_out, fd_out };

	memset(answer_out, 0, sizeof(*answer_out));
	*fd_out = -1;
	answer_out->outcome = (unsigned int)request->question < VBALLOON_LOOKOUT_QUESTIONS
				      ? answers[request->question](&inquiry)
				      : -EINVAL;
}
