/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake_guest SOCKET: a guest for trying vballoonctl by hand. It connects to a
 * vballoond; the portable driver follows its requests, some pages a second.
 */
#include <stdio.h>

#include "port_front.h"

#define STEP 128U /* pages that can be spared at a time */
#define LONGEST_MS 60000

int main(int argc, char **argv)
{
	static struct port_front front;
	int fd = argc == 2 ? vballoon_link_connect(argv[1]) : -1;

	if (fd < 0) {
		fputs("usage: fake_guest SOCKET: vballoond has to listen there\n", stderr);
		return 2;
	}
	port_front_open(&front, fd, NULL);
	port_front_start(&front);
	for (;;) {
		/* What has been taken is not to be found again for a second. */
		front.guest.spare = STEP;
		port_front_turn(&front, LONGEST_MS);
	}
}
