/* SPDX-License-Identifier: BSD-3-Clause */
/* The supervisor, as the worker sees it: what is kept there outlives this process. */
#ifndef VBALLOON_DAEMON_KEEPER_H
#define VBALLOON_DAEMON_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vballoon/vhost_user.h>

/* Find out whether this process is a worker. To be called once, first of all. */
void vballoon_keeper_init(void);

/* Whether it is. If not, nothing below has an effect. */
bool vballoon_keeper_is_there(void);

/* What this worker knows of itself and of those before it. */
struct vballoon_keeper_history {
	pid_t worker; /* this process */
	bool tried; /* another program, which may leave all to the one before it */
	unsigned int starts; /* of them; 0: this is the first */
	unsigned int deaths;
	unsigned int upgrades; /* this one included */
	uint64_t ended_us; /* when the last of them ended, microseconds of CLOCK_MONOTONIC */
};

struct vballoon_keeper_history vballoon_keeper_history(void);

/* What files had set when the supervisor began; NULL: this is no worker, or not known. */
const char *vballoon_keeper_settings(void);

/* As in struct vballoon_vhost_user_keeper. */
int vballoon_keeper_keep(const char *name, int fd);
void vballoon_keeper_forget(const char *name);
int vballoon_keeper_find(const char *name);

/* Have the supervisor hold the front end's socket @fd, which stays the caller's, and speak to it
 * through a relay. Returns the relay, or a negative errno. */
int vballoon_keeper_relay(int fd);

/* Whether there is a program to upgrade to; if not, @fault of @bytes says what is wrong. */
bool vballoon_keeper_has_program(char *fault, size_t bytes);

/* Whether to forget nothing for now, whoever asks: another program may need it. */
void vballoon_keeper_hold(bool hold);

/* Nothing more is to be found: what nobody has is needed by nobody. */
void vballoon_keeper_settle(void);

/* Say something to the supervisor, which passes on what is for the service manager. */
int vballoon_keeper_say(const char *text);

extern const struct vballoon_vhost_user_keeper vballoon_keeper_ops;

#endif /* VBALLOON_DAEMON_KEEPER_H */
