/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/peer_message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/kind.h"
#include "front_end/link.h"

#define PAYLOAD_MAX 8192U

static uint64_t word_of(const struct vballoon_trial *trial, uint64_t word)
{
	const struct vhost_user_region *region = &trial->front_end.regions[0];
	uint64_t page = trial->layout.page;

	if ((uint32_t)word == VBALLOON_PEER_NO_QUEUE)
		return VBALLOON_PEER_PAIR(trial->facts->kind->queue_count, word >> 32);
	switch (word) {
	case VBALLOON_PEER_GPA:
		return region->guest_addr;
	case VBALLOON_PEER_SIZE:
		return region->size;
	case VBALLOON_PEER_USER:
		return region->user_addr;
	case VBALLOON_PEER_LAST_PAGE:
		return region->guest_addr + region->size - page;
	case VBALLOON_PEER_BEHIND:
		return trial->layout.end + page;
	case VBALLOON_PEER_TOO_LARGE:
		return trial->front_end.memory_bytes + page;
	default:
		return word;
	}
}

static int open_read_only(void)
{
	char path[64];
	int fd = memfd_create("read-only", MFD_CLOEXEC), other;

	if (fd < 0 || ftruncate(fd, 4096))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return other;
}

/* One end of two; the other is closed. */
static int one_end(int ends[2])
{
	close(ends[0]);
	return ends[1];
}

/* A descriptor of the caller's own; -1 when it cannot be made. */
static int fd_open(const struct vballoon_trial *trial, enum vballoon_peer_fd kind)
{
	int ends[2];

	switch (kind) {
	case VBALLOON_FD_MEMORY:
		return fcntl(trial->front_end.memory_fd, F_DUPFD_CLOEXEC, 0);
	case VBALLOON_FD_EVENT:
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	case VBALLOON_FD_EMPTY:
		return memfd_create("empty", MFD_CLOEXEC);
	case VBALLOON_FD_READ_ONLY:
		return open_read_only();
	case VBALLOON_FD_NULL:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case VBALLOON_FD_DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case VBALLOON_FD_PIPE:
		return pipe2(ends, O_CLOEXEC) ? -1 : one_end(ends);
	case VBALLOON_FD_SOCKET:
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? -1
										: one_end(ends);
	default:
		return -1;
	}
}

static int send_row(struct vballoon_trial *trial, const struct vballoon_peer_row *row)
{
	static _Alignas(8) uint8_t payload[PAYLOAD_MAX];
	struct vhost_user_header header = {
		.request = row->request,
		.flags = row->flags ? row->flags : VHOST_USER_VERSION | VHOST_USER_NEED_REPLY,
		.size = row->told ? row->told : row->size,
	};
	int fds[VBALLOON_PEER_FDS];
	unsigned int count;
	int ret;

	memset(payload, 0, sizeof(payload));
	for (unsigned int i = 0; i < VBALLOON_PEER_WORDS; i++) {
		uint64_t word = word_of(trial, row->words[i]);

		memcpy(payload + i * sizeof(word), &word, sizeof(word));
	}
	for (count = 0; count < VBALLOON_PEER_FDS && row->fds[count]; count++)
		fds[count] = fd_open(trial, row->fds[count]);
	ret = vballoon_link_send_as(&trial->front_end.link, &header, payload, row->size, fds,
				    count);
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
	return ret;
}

void vballoon_peer_refuses(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_peer_row *row = how;
	struct vballoon_link *link = &trial->front_end.link;
	_Alignas(8) uint8_t answer[PAYLOAD_MAX];
	uint64_t failed;
	int ret = send_row(trial, row);

	if (ret == -EPIPE || ret == -ECONNRESET)
		return;
	vballoon_require(trial, !ret, "the message cannot be sent: %s", strerror(-ret));
	link->timeout_ms = trial->setting->grace_ms;
	ret = vballoon_link_receive(link, row->request, answer, sizeof(answer));
	link->timeout_ms = trial->setting->patience_ms;
	if (ret != sizeof(failed) || row->may_succeed)
		return;
	memcpy(&failed, answer, sizeof(failed));
	vballoon_require(trial, failed, "it was answered as if it had succeeded");
}
