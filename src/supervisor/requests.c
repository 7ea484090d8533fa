// SPDX-License-Identifier: BSD-3-Clause
/* What a worker asks for, over the keeper. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "host/fd_stat.h"
#include "supervisor/manager.h"
#include "supervisor/note.h"
#include "supervisor/parcel.h"
#include "supervisor/parts.h"
#include "supervisor/relay.h"

#define FDS_LOOKED_AT 1024

static bool is_kept(const struct vballoon_store *store, int fd)
{
	for (unsigned int i = 0; i < store->count; i++) {
		if (store->kept[i].fd == fd)
			return true;
	}
	return false;
}

/* Every worker listens at the sockets that the supervisor was handed. */
static bool listens(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) && yes;
}

/* A socket that the supervisor was started with (--fd) is not to be open a second time: the
 * front end could not be hung up on. Nothing else may be closed here: the number of what is kept
 * would be that of whatever is opened next, a program to run say, and the worker's to close. */
static void close_twins(const struct supervisor *super, int fd)
{
	struct stat socket, other;

	/* All of another kind, of events say, may look the same. */
	if (vballoon_fd_stat(fd, &socket) || !S_ISSOCK(socket.st_mode) || listens(fd))
		return;
	for (int i = STDERR_FILENO + 1; i < FDS_LOOKED_AT; i++) {
		if (i != fd && !vballoon_fd_stat(i, &other) && other.st_ino == socket.st_ino &&
		    other.st_dev == socket.st_dev && !is_kept(&super->depot.file->store, i))
			close(i);
	}
}

int vballoon_supervisor_renew_relay(struct supervisor *super)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	vballoon_front_attach(super->front, ends[0]);
	return ends[1];
}

void vballoon_supervisor_disconnect(struct supervisor *super)
{
	vballoon_front_disconnect(super->front);
	vballoon_depot_renew_front_end(&super->depot);
}

static void take_front_end(struct supervisor *super, int fd)
{
	int relay;

	/* What was the one before's goes first: those numbers are free then. */
	vballoon_front_connect(super->front, fd);
	close_twins(super, fd);
	vballoon_depot_renew_front_end(&super->depot);
	relay = vballoon_supervisor_renew_relay(super);
	if (relay < 0)
		super->log(LOG_ERR, "the worker cannot be given the front end: %s",
			   strerror(-relay));
	vballoon_worker_give_relay(&super->worker, relay);
}

static void keep(struct supervisor *super, const char *name, int fd)
{
	if (!strcmp(name, VBALLOON_KEPT_FRONT_END)) {
		take_front_end(super, fd);
		return;
	}
	/* Under that name a worker has its relay, and whatever else has it would be a front end. */
	if (!strcmp(name, VBALLOON_KEPT_RELAY)) {
		close(fd);
		vballoon_worker_tell(&super->worker, "-");
		return;
	}
	if (vballoon_depot_keep(&super->depot, name, fd)) {
		vballoon_worker_tell(&super->worker, VBALLOON_KEEPER_KEPT);
		return;
	}
	super->log(LOG_ERR, "there is no room to keep more of the worker's descriptors");
	vballoon_worker_tell(&super->worker, "-");
}

static void forget(struct supervisor *super, const char *name)
{
	if (!strcmp(name, VBALLOON_KEPT_FRONT_END))
		vballoon_supervisor_disconnect(super);
	else
		vballoon_depot_forget(&super->depot, name);
}

void vballoon_supervisor_settle_program(struct supervisor *super)
{
	super->log(LOG_NOTICE, "upgraded: another program runs now");
	vballoon_program_settle(&super->program);
	super->history->upgrades++;
}

/* A new program is tried as the next worker; what runs is as good as dead. */
static void upgrade(struct supervisor *super)
{
	int err;

	if (super->gives_way)
		return;
	if (vballoon_program_is_tried(&super->program))
		vballoon_supervisor_settle_program(super);
	err = vballoon_program_try(&super->program);
	if (err) {
		super->log(LOG_ERR, "there is no program to upgrade to: %s: %s",
			   super->program.path, strerror(-err));
		return;
	}
	super->gives_way = true;
	kill(super->worker.pid, SIGKILL);
}

/* An answer is waited for: what would be wrong with an upgrade, "-" for nothing. */
static void look_at_program(struct supervisor *super)
{
	int err = vballoon_program_look(&super->program);
	char text[VBALLOON_KEEPER_ANSWER_BYTES] = "-";

	if (err)
		snprintf(text, sizeof(text), "there is no program to upgrade to: %.160s: %s",
			 super->program.path, strerror(-err));
	vballoon_worker_tell(&super->worker, text);
}

static void take_note(struct supervisor *super, const char *note, int fd)
{
	char name[VBALLOON_STORE_NAME_BYTES], value[8], told[VBALLOON_NOTE_BYTES];
	bool has_name = vballoon_note_value(note, "FDNAME", name, sizeof(name));
	bool keeps = vballoon_note_value(note, "FDSTORE", value, sizeof(value));

	if (keeps && has_name && fd >= 0) {
		keep(super, name, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	/* It waits for an answer, also where there was no room for what came with it. */
	if (keeps) {
		vballoon_worker_tell(&super->worker, "-");
		return;
	}
	if (vballoon_note_value(note, "FDSTOREREMOVE", value, sizeof(value)) && has_name) {
		forget(super, name);
		return;
	}
	if (vballoon_note_value(note, "UPGRADE", value, sizeof(value))) {
		if (strcmp(value, "look"))
			upgrade(super);
		else
			look_at_program(super);
		return;
	}
	if (vballoon_note_value(note, "READY", value, sizeof(value)) && !super->worker.ready) {
		super->worker.ready = true;
		super->worker.ready_ms = vballoon_supervisor_now_us() / 1000;
	}
	(void)vballoon_manager_tell(told, vballoon_note_for_manager(note, told));
}

bool vballoon_supervisor_read_note(struct supervisor *super)
{
	char note[VBALLOON_NOTE_BYTES];
	int fd;
	ssize_t got = vballoon_parcel_receive_one(super->worker.keeper, note, sizeof(note) - 1, &fd,
						  MSG_DONTWAIT);

	if (got <= 0) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	note[got] = '\0';
	take_note(super, note, fd);
	return true;
}
