// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/handed.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3

static long number_of(const char *name)
{
	const char *text = getenv(name);

	return text ? strtol(text, NULL, 10) : 0;
}

void vballoon_handed_name(char name[VBALLOON_STORE_NAME_BYTES], uint32_t number)
{
	snprintf(name, VBALLOON_STORE_NAME_BYTES, VBALLOON_HANDED_PREFIX "%" PRIu32, number);
}

/* Sockets come first. */
static void tell_workers(char *names, long sockets)
{
	char count[24];

	snprintf(count, sizeof(count), "%ld", sockets);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

void vballoon_handed_take(struct vballoon_store *handed)
{
	const char *told = getenv("LISTEN_FDNAMES");
	long count = number_of("LISTEN_FDS"), sockets = count;
	char *names = told ? strdup(told) : NULL;
	char *name = names, *end;

	if (!names || number_of("LISTEN_PID") != (long)getpid()) {
		free(names);
		return;
	}
	for (long i = 0; i < count && name; i++) {
		end = strchr(name, ':');
		if (end)
			*end = '\0';
		if (!strncmp(name, VBALLOON_HANDED_PREFIX, strlen(VBALLOON_HANDED_PREFIX))) {
			sockets = i < sockets ? i : sockets;
			fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
			vballoon_store_keep(handed, name, FIRST_FD + (int)i);
		}
		name = end ? end + 1 : NULL;
	}
	free(names);
	if (sockets == count)
		return;
	names = strdup(told);
	if (!names)
		return;
	name = strstr(names, VBALLOON_HANDED_PREFIX);
	if (name)
		name[name > names ? -1 : 0] = '\0';
	tell_workers(names, sockets);
	free(names);
}

int vballoon_handed_find(const struct vballoon_store *handed, uint32_t number)
{
	char name[VBALLOON_STORE_NAME_BYTES];

	vballoon_handed_name(name, number);
	for (unsigned int i = 0; i < handed->count; i++) {
		if (!strcmp(handed->kept[i].name, name))
			return fcntl(handed->kept[i].fd, F_DUPFD_CLOEXEC, 0);
	}
	return -1;
}
