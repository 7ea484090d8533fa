/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the supervisor knows and holds, so that it outlives the supervisor, too, where the service
 * manager stores descriptors (systemd's file descriptor store): the next one is handed them.
 *
 * All that it knows lies in one memory file, which is stored with the descriptors. Each of these
 * has a number there, and by this a name with the manager. The same file under two names is
 * stored once, as the manager takes no descriptor a second time.
 */
#ifndef VBALLOON_SUPERVISOR_DEPOT_H
#define VBALLOON_SUPERVISOR_DEPOT_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/front.h"
#include "supervisor/store.h"
#include "supervisor/worker.h"

/* The memory file. */
struct vballoon_depot_file {
	uint64_t magic;
	uint32_t version;
	uint32_t bytes;
	uint32_t busy; /* between two waits: what follows may be half changed */
	uint32_t numbers; /* given so far */
	uint32_t front_end; /* the number of its socket; 0: there is none */
	/* The message at hand: its descriptors' numbers, how many of them are stored, and how many
	 * messages were answered before it. */
	uint32_t message[VBALLOON_RELAY_FDS_MAX], message_fds;
	uint64_t message_of;
	struct vballoon_history history; /* of workers */
	struct vballoon_store store;
	struct vballoon_front front;
};

struct vballoon_depot {
	bool stores; /* the manager does */
	int error; /* why it has not stored something: a negative errno */
	struct vballoon_depot_file *file;
};

/* First of all: take what the manager has handed to this process out of what others look at. */
void vballoon_depot_prepare(void);

/* There is no supervisor: let go of it. */
void vballoon_depot_discard(void);

/* Begin with what the manager has handed over, or with nothing. Returns 1: this goes on from
 * there; 0: it begins; -ESTALE: it begins, as what was handed over cannot be gone on from, and was
 * let go of; or another negative errno. */
int vballoon_depot_open(struct vballoon_depot *depot);

/* As vballoon_store_keep() and vballoon_store_forget(). */
bool vballoon_depot_keep(struct vballoon_depot *depot, const char *name, int fd);
void vballoon_depot_forget(struct vballoon_depot *depot, const char *name);

/* The front end is another one, or has gone. */
void vballoon_depot_renew_front_end(struct vballoon_depot *depot);

/* What is about to be done may be half done when it ends; and all is done, and stored. */
void vballoon_depot_begin_work(struct vballoon_depot *depot);
void vballoon_depot_end_work(struct vballoon_depot *depot);

#endif /* VBALLOON_SUPERVISOR_DEPOT_H */
