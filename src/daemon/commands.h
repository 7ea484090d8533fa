/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands of the control protocol (docs/control-protocol.md): one table,
 * and the calls that are under way.
 */
#ifndef VBALLOON_DAEMON_COMMANDS_H
#define VBALLOON_DAEMON_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/message.h"
#include "daemon/guest.h"

/* The outcomes of beginning or continuing a call. */
enum {
	VBALLOON_CALL_DONE, /* there is an answer */
	VBALLOON_CALL_WAITS, /* for the guest, until the deadline */
	VBALLOON_CALL_SUBSCRIBES, /* there is an answer, and events are to follow it */
};

struct vballoon_command;

/* A command under way. */
struct vballoon_call {
	struct vballoon_guest *guest;
	const struct vballoon_command *command; /* NULL: none */
	json_t *id; /* to repeat in the answer; may be NULL */
	uint64_t argument;
	uint64_t deadline_ms; /* of vballoon_loop_now_ms(); 0: it does not wait */
	uint64_t reports; /* `stats`: how many there were when it began */
	/* For the command's own functions, while they are called. */
	const struct vballoon_view *view;
	bool expired;
	bool subscribes;
	struct vballoon_error error;
};

/* Read a request and begin it. @call must not be under way. Returns
 * VBALLOON_CALL_*; unless it waits, @answer_out is a new reference, or NULL when
 * memory is short. */
int vballoon_call_begin(struct vballoon_call *call, struct vballoon_guest *guest, const char *line,
			size_t len, json_t **answer_out);

/* Continue a call that waits, after whatever may have changed. The same returns. */
int vballoon_call_continue(struct vballoon_call *call, const struct vballoon_view *view,
			   uint64_t now_ms, json_t **answer_out);

/* Whether it is under way. */
bool vballoon_call_is_waiting(const struct vballoon_call *call);

/* Give up a call whose client has gone; nothing when none is under way. */
void vballoon_call_cancel(struct vballoon_call *call);

#endif /* VBALLOON_DAEMON_COMMANDS_H */
