// SPDX-License-Identifier: BSD-3-Clause
/*
 * port_driver SOCKET: the portable driver in a process of its own, behind a vhost-user
 * front end, as vballoon-conformance --driver wants it. It runs until the device goes,
 * and fails when a page comes back that was not out, or changes in the guest's hands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "base/le.h"
#include "port_front.h"

#define EXCHANGE_MS 100 /* between two of them */

static const char *path;
static struct port_front front;

/* What the guest's transport reads before the driver is made. */
static void read_config(struct vballoon_guest_config *config)
{
	struct {
		struct vhost_user_config head;
		struct virtio_memory_balloon_config space;
	} message = { .head.size = sizeof(message.space) };

	assert_int_equal(vballoon_link_send(&front.wire.link, VHOST_USER_GET_CONFIG, 0, &message,
					    sizeof(message), NULL, 0),
			 0);
	assert_int_equal(vballoon_link_receive(&front.wire.link, VHOST_USER_GET_CONFIG, &message,
					       sizeof(message)),
			 sizeof(message));
	config->page_shift = vballoon_le32(message.space.page_shift);
	config->revision = vballoon_le32(message.space.revision);
	config->offered = front.offered;
}

/* With the feature a page is moved now and then: what is in the balloon comes back for one
 * that the guest can do without. */
static void exchange(uint64_t *due_ms)
{
	unsigned int units = port_guest_units(&front.guest), from = 0, to = 0;

	if (front.guest.now_ms < *due_ms)
		return;
	while (from < units && !front.guest.out[from])
		from++;
	while (to < units && (front.guest.out[to] || front.guest.reported[to]))
		to++;
	if (from < units && to < units &&
	    !port_guest_move(&front.guest, port_guest_unit_gpa(&front.guest, from),
			     port_guest_unit_gpa(&front.guest, to), 1))
		*due_ms = front.guest.now_ms + EXCHANGE_MS;
}

static void drives(void **state)
{
	struct vballoon_guest *driver;
	uint64_t due_ms = 0;
	int fd = vballoon_link_connect(path);

	(void)state;
	assert_true(fd >= 0);
	port_front_open(&front, fd, NULL);
	read_config(&front.guest.config);
	/* A driver that does not want the device leaves it alone. */
	if (vballoon_guest_init(front.guest.storage, &front.guest.config, &driver)) {
		while (!vballoon_link_closed(&front.wire.link, -1))
			;
		return;
	}
	port_front_start(&front);
	while (!vballoon_link_closed(&front.wire.link, 0)) {
		exchange(&due_ms);
		port_front_turn(&front, 100);
	}
	port_guest_check(&front.guest);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(drives) };

	if (argc != 2) {
		fputs("usage: port_driver SOCKET: a device has to listen there\n", stderr);
		return 2;
	}
	path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
