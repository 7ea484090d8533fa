/* SPDX-License-Identifier: BSD-3-Clause */
/* The supervisor, as the worker sees it: what is kept there outlives this process. */
#ifndef VBALLOON_DAEMON_KEEPER_H
#define VBALLOON_DAEMON_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/vhost_user.h>

/* Find out whether this process is a worker. To be called once, first of all. */
void vballoon_keeper_init(void);

/* Whether it is. If not, nothing below has an effect. */
bool vballoon_keeper_is_there(void);

/* What this worker knows of those before it. */
struct vballoon_keeper_history {
	unsigned int starts; /* of them; 0: this is the first */
	unsigned int deaths;
	unsigned int upgrades; /* this one included */
	uint64_t ended_us; /* when the last of them ended, microseconds of CLOCK_MONOTONIC */
};

struct vballoon_keeper_history vballoon_keeper_history(void);

/* As in struct vballoon_vhost_user_keeper. */
int vballoon_keeper_keep(const char *name, int fd);
void vballoon_keeper_forget(const char *name);
int vballoon_keeper_find(const char *name);

/* Nothing more is to be found. */
void vballoon_keeper_settle(void);

/* Say something to the supervisor, which passes on what is for the service manager. */
int vballoon_keeper_say(const char *text);

extern const struct vballoon_vhost_user_keeper vballoon_keeper_ops;

#endif /* VBALLOON_DAEMON_KEEPER_H */
