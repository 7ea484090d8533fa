// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervisor/parcel.h"
#include "supervisor/relay.h"
#include "supervisor/store.h"

static struct {
	int socket; /* -1: there is no supervisor */
	struct vballoon_keeper_history history;
	struct vballoon_store found; /* and not yet taken */
	bool holds; /* nothing is forgotten */
} keeper = { .socket = -1 };

static uint64_t number_of(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* "name=number name=number ..." */
static void take_found(char *text)
{
	char *next, *value;

	for (char *word = strtok_r(text, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
		value = strchr(word, '=');
		if (!value)
			continue;
		*value++ = '\0';
		fcntl(atoi(value), F_SETFD, FD_CLOEXEC);
		vballoon_store_keep(&keeper.found, word, atoi(value));
	}
}

void vballoon_keeper_init(void)
{
	const char *found = getenv(VBALLOON_ENV_KEPT);
	char *copy = found ? strdup(found) : NULL;

	if (!getenv(VBALLOON_ENV_KEEPER) || !copy) {
		free(copy);
		return;
	}
	keeper.socket = (int)number_of(VBALLOON_ENV_KEEPER);
	fcntl(keeper.socket, F_SETFD, FD_CLOEXEC);
	keeper.history = (struct vballoon_keeper_history){
		.worker = getpid(),
		.tried = number_of(VBALLOON_ENV_TRIED),
		.starts = (unsigned int)number_of(VBALLOON_ENV_STARTS),
		.deaths = (unsigned int)number_of(VBALLOON_ENV_DEATHS),
		.upgrades = (unsigned int)number_of(VBALLOON_ENV_UPGRADES),
		.ended_us = number_of(VBALLOON_ENV_DIED_US),
	};
	take_found(copy);
	free(copy);
	/* Started by a descriptor it would be called by that. */
	prctl(PR_SET_NAME, "vballoond");
}

bool vballoon_keeper_is_there(void)
{
	return keeper.socket >= 0;
}

struct vballoon_keeper_history vballoon_keeper_history(void)
{
	return keeper.history;
}

const char *vballoon_keeper_settings(void)
{
	return vballoon_keeper_is_there() ? getenv(VBALLOON_ENV_SETTINGS) : NULL;
}

/* With the supervisor goes what it was not seen to have kept: nothing that speaks of that is
 * to be written down before the kernel ends this process, too. */
static ssize_t unless_gone(ssize_t outcome)
{
	if (outcome == -EPIPE || outcome == -ECONNRESET)
		_exit(VBALLOON_WORKER_LOST);
	return outcome;
}

static int say(const char *text, int fd)
{
	if (keeper.socket < 0)
		return 0;
	return (int)unless_gone(vballoon_parcel_send_one(keeper.socket, text, strlen(text), fd, 0));
}

int vballoon_keeper_say(const char *text)
{
	return say(text, -1);
}

void vballoon_keeper_forget(const char *name)
{
	char text[64];

	if (keeper.holds)
		return;
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	(void)say(text, -1);
}

void vballoon_keeper_hold(bool hold)
{
	keeper.holds = hold;
}

/* What the supervisor answers: its length, or a negative errno. @fd_out is a descriptor that came
 * with it, or -1. */
static ssize_t hear(char *text, size_t bytes, int *fd_out)
{
	ssize_t got = vballoon_parcel_receive_one(keeper.socket, text, bytes, fd_out, 0);

	return unless_gone(got ? got : -ECONNRESET);
}

static int say_fd(const char *name, int fd)
{
	char text[64];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	return say(text, fd);
}

/* It is waited for: what is kept of the session may speak of it as soon as this returns. */
int vballoon_keeper_keep(const char *name, int fd)
{
	int err = say_fd(name, fd);
	ssize_t heard;
	char byte;
	int none;

	if (err || keeper.socket < 0)
		return err;
	heard = hear(&byte, sizeof(byte), &none);
	if (heard < 0)
		return (int)heard;
	return byte == *VBALLOON_KEEPER_KEPT ? 0 : -ENOSPC;
}

int vballoon_keeper_relay(int fd)
{
	int err = say_fd(VBALLOON_KEPT_FRONT_END, fd);
	ssize_t heard;
	int relay;
	char byte;

	if (err)
		return err;
	heard = hear(&byte, sizeof(byte), &relay);
	if (heard < 0)
		return (int)heard;
	return relay < 0 ? -EMFILE : relay;
}

bool vballoon_keeper_has_program(char *fault, size_t bytes)
{
	ssize_t heard;
	int none;

	fault[0] = '\0';
	if (vballoon_keeper_say(VBALLOON_KEEPER_LOOK))
		return false;
	heard = hear(fault, bytes - 1, &none);
	fault[heard > 0 ? heard : 0] = '\0';
	return !strcmp(fault, "-");
}

int vballoon_keeper_find(const char *name)
{
	return vballoon_store_take(&keeper.found, name);
}

void vballoon_keeper_settle(void)
{
	char name[VBALLOON_STORE_NAME_BYTES];

	while (keeper.found.count) {
		memcpy(name, keeper.found.kept[0].name, sizeof(name));
		vballoon_store_forget(&keeper.found, name);
		vballoon_keeper_forget(name);
	}
}

static int keep(void *context, const char *name, int fd)
{
	(void)context;
	return vballoon_keeper_keep(name, fd);
}

static void forget(void *context, const char *name)
{
	(void)context;
	vballoon_keeper_forget(name);
}

static int find(void *context, const char *name)
{
	(void)context;
	return vballoon_keeper_find(name);
}

const struct vballoon_vhost_user_keeper vballoon_keeper_ops = {
	.keep = keep,
	.forget = forget,
	.find = find,
};
