/* SPDX-License-Identifier: BSD-3-Clause */
/* The real vballoond, in a directory of its own, and vballoonctl to order it about. */
#ifndef VBALLOON_TESTS_DAEMON_BED_H
#define VBALLOON_TESTS_DAEMON_BED_H

#include "balloon_driver.h"
#include "control.h"
#include "process.h"

struct daemon_bed {
	char directory[64];
	char socket_path[96], control_path[96];
	const char *program; /* to start; NULL: VBALLOOND, of the environment first */
	struct process daemon;
	struct process ctl; /* the last that was started */
	struct control control;
	struct front_end guest; /* there when guest_connected */
	bool guest_connected;
};

/* For cmocka: *state is a bed without a daemon, or with one that listens. After a
 * test a daemon that runs has to end well and leave nothing behind. */
int daemon_bed_empty_set_up(void **state);
int daemon_bed_set_up(void **state);
int daemon_bed_tear_down(void **state);

/* Start the daemon in an empty bed, with these options more, which end in NULL. */
void daemon_bed_start(struct daemon_bed *bed, const char *const *words);

/* Connect a guest, its queues running; its driver has said nothing yet. It takes these
 * feature bits beside what it always takes. */
void daemon_bed_connect(struct daemon_bed *bed);
void daemon_bed_connect_with(struct daemon_bed *bed, uint64_t features);
void daemon_bed_disconnect(struct daemon_bed *bed);

/* A connection to the front end's socket. */
int daemon_bed_socket(struct daemon_bed *bed);

/* A file in the bed's directory, in a buffer of its own. */
const char *daemon_bed_path(const struct daemon_bed *bed, const char *name);

/* Start vballoonctl with these words, which end in NULL; or run it to its end, for
 * its exit status. */
void daemon_bed_ctl_start(struct daemon_bed *bed, const char *const *words);
int daemon_bed_ctl(struct daemon_bed *bed, const char *const *words);

/* One number of `status`, and the state, as the daemon tells them. */
json_int_t daemon_bed_status_integer(struct daemon_bed *bed, const char *name);
void daemon_bed_assert_state(struct daemon_bed *bed, const char *state);

/* Words before those of a program that is to have no capabilities, also where this is
 * root: others' processes and files are then closed to it. */
#define DAEMON_BED_WITHOUT_CAPABILITIES                                                            \
	"/bin/sh", "-c",                                                                           \
		"[ $(id -u) != 0 ] || set -- setpriv --bounding-set=-all "                         \
		"--inh-caps=-all \"$@\"; exec \"$@\"",                                             \
		"sh"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif /* VBALLOON_TESTS_DAEMON_BED_H */
