// SPDX-License-Identifier: BSD-3-Clause
/*
 * fake_guest SOCKET: a guest for trying vballoonctl by hand. It connects to a
 * vballoond, follows its requests a few pages at a time, and reports statistics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "balloon_driver.h"
#include "base/le.h"

#define PAGES ((GUEST_BYTES - (GUEST_BALLOON - GUEST_BASE)) / GUEST_PAGE)
#define STEP 32U /* pages, in */
#define STEP_MS 250

struct guest {
	struct front_end front_end;
	int call; /* the event of its requests */
	uint64_t target, held;
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

static void report(struct guest *guest, uint32_t cookie)
{
	uint64_t rest = GUEST_BYTES - guest->held * GUEST_PAGE;
	struct {
		struct virtio_memory_balloon_msg msg;
		struct virtio_memory_balloon_stat stats[3];
	} told = { .msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
		   .msg.flags = cookie,
		   .stats = { { .tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_MEMFREE),
				.value = vballoon_le64(rest / 2) },
			      { .tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_AVAIL),
				.value = vballoon_le64(rest / 4 * 3) },
			      { .tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_MEMTOT),
				.value = vballoon_le64(GUEST_BYTES) } } };

	balloon_driver_send(&guest->front_end, &told, sizeof(told), NULL, 0);
}

static void take_request(struct guest *guest)
{
	struct virtio_memory_balloon_req request;

	if (!balloon_driver_next_request(&guest->front_end, &request))
		return;
	/* No other can come before there is a buffer for it. */
	front_end_event_raised(guest->call);
	balloon_driver_post_request(&guest->front_end);
	if (vballoon_le32(request.type) == VIRTIO_MEMORY_BALLOON_REQ_RESIZE)
		guest->target = vballoon_le64(request.value);
	if (vballoon_le32(request.type) == VIRTIO_MEMORY_BALLOON_REQ_STATS)
		report(guest, request.flags);
}

static unsigned int step(uint64_t distance)
{
	return distance < STEP ? (unsigned int)distance : STEP;
}

static void follow(struct guest *guest)
{
	uint64_t pages[STEP];

	if (guest->held < guest->target && guest->held < PAGES)
		guest->held += balloon_driver_add(&guest->front_end, (unsigned int)guest->held,
						  step(guest->target - guest->held));
	else if (guest->held > guest->target)
		guest->held -= balloon_driver_withdraw(
			&guest->front_end, step(guest->held - guest->target), pages, STEP);
}

int main(int argc, char **argv)
{
	static struct guest guest;
	struct pollfd call;
	int fd = argc == 2 ? connect_to(argv[1]) : -1;

	if (fd < 0) {
		fputs("usage: fake_guest SOCKET: vballoond has to listen there\n", stderr);
		return 2;
	}
	front_end_open_socket(&guest.front_end, fd);
	front_end_start(&guest.front_end);
	memset(balloon_driver_page(&guest.front_end, 0), 0xa5, PAGES * GUEST_PAGE);
	balloon_driver_post_request(&guest.front_end);
	balloon_driver_hello(&guest.front_end, 1, 0);
	guest.call = guest.front_end.queues[VIRTIO_MEMORY_BALLOON_VQ_FROMDEV].call;
	call.fd = guest.call;
	call.events = POLLIN;
	for (;;) {
		if (poll(&call, 1, guest.held == guest.target ? -1 : STEP_MS) > 0)
			take_request(&guest);
		follow(&guest);
	}
}
