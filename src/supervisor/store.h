/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors that outlive the worker, by name. */
#ifndef VBALLOON_SUPERVISOR_STORE_H
#define VBALLOON_SUPERVISOR_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* Two for each memory slot, three for each queue, and some. */
#define VBALLOON_STORE_MAX 192
#define VBALLOON_STORE_NAME_BYTES 32

struct vballoon_store {
	unsigned int count;
	struct {
		char name[VBALLOON_STORE_NAME_BYTES];
		int fd; /* owned */
		unsigned int number; /* for the owner; 0 to begin with */
	} kept[VBALLOON_STORE_MAX];
};

/* Keep @fd, which is the store's from now on, in place of what has this name. False: there is
 * no room for it, or the name is not of small letters, digits and dashes, or too long, and it is
 * closed. */
bool vballoon_store_keep(struct vballoon_store *store, const char *name, int fd);

/* Returns what has this name, the caller's from now on and kept no more; -1: there is nothing. */
int vballoon_store_take(struct vballoon_store *store, const char *name);

/* Give up what has this name, if there is anything. */
void vballoon_store_forget(struct vballoon_store *store, const char *name);

/* Have all of it inherited, and write "name=number" for each, with blanks between. */
void vballoon_store_hand_over(const struct vballoon_store *store, char *text, size_t bytes);

#endif /* VBALLOON_SUPERVISOR_STORE_H */
