// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int vballoon_store_take(struct vballoon_store *store, const char *name)
{
	int fd;

	for (unsigned int i = 0; i < store->count; i++) {
		if (strcmp(store->kept[i].name, name))
			continue;
		fd = store->kept[i].fd;
		store->kept[i] = store->kept[--store->count];
		return fd;
	}
	return -1;
}

void vballoon_store_forget(struct vballoon_store *store, const char *name)
{
	int fd = vballoon_store_take(store, name);

	if (fd >= 0)
		close(fd);
}

/* A worker that somebody else has taken over tells the next one nothing by a name. */
static bool is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len && !name[len] && len < VBALLOON_STORE_NAME_BYTES;
}

bool vballoon_store_keep(struct vballoon_store *store, const char *name, int fd)
{
	vballoon_store_forget(store, name);
	if (store->count == VBALLOON_STORE_MAX || !is_name(name)) {
		close(fd);
		return false;
	}
	memcpy(store->kept[store->count].name, name, strlen(name) + 1);
	store->kept[store->count].number = 0;
	store->kept[store->count++].fd = fd;
	return true;
}

void vballoon_store_hand_over(const struct vballoon_store *store, char *text, size_t bytes)
{
	size_t len = 0;

	*text = '\0';
	for (unsigned int i = 0; i < store->count && len < bytes; i++) {
		fcntl(store->kept[i].fd, F_SETFD, 0);
		len += (size_t)snprintf(text + len, bytes - len, "%s%s=%d", i ? " " : "",
					store->kept[i].name, store->kept[i].fd);
	}
}
