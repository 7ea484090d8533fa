/* SPDX-License-Identifier: BSD-3-Clause */
/* A vballoond with a supervisor, under a service manager that stores what it is told to
 * (fd_store.h), and a guest of its own, with 300 pages in the balloon. */
#ifndef VBALLOON_TESTS_STORED_H
#define VBALLOON_TESTS_STORED_H

#include "daemon_bed.h"
#include "port_front.h"

struct vballoon_depot_file;

/* Without a front end: the memory file, and what was ordered. */
#define STORED_ALONE 2
/* What a supervisor says that goes on. */
#define STORED_GOES_ON "going on with what the service manager had stored"

/* For cmocka: *state is a daemon's bed, in which nothing runs yet. */
int stored_set_up(void **state);
int stored_tear_down(void **state);

/* Start it, with what is stored; with these options more, which end in NULL; and with a guest. */
void stored_start(struct daemon_bed *bed);
void stored_start_with(struct daemon_bed *bed, const char *const *more);
void stored_begin(struct daemon_bed *bed, struct port_front *front);

/* What the supervisor has in memory, to be unmapped by the caller. */
struct vballoon_depot_file *stored_state(void);

/* Stop the supervisor when it is in the midst of nothing: the next one can go on. */
void stored_stop(const struct daemon_bed *bed);

/* Kill the supervisor, wherever it is, and wait for the end of its worker. */
void stored_kill(struct daemon_bed *bed, pid_t worker);

/* Another one is started, and goes on with the balloon, the order, and all else. */
void stored_assert_goes_on(struct daemon_bed *bed, struct port_front *front);

/* The front end was hung up on, behind what was answered; its guest has what it had, and the next
 * one, which @front is then, is served. */
void stored_assert_hung_up_on(struct daemon_bed *bed, struct port_front *front);

/* Two messages of the front end, one with descriptors, one that is answered; and the answer. */
void stored_send(struct port_front *front);
void stored_receive(struct port_front *front);

#endif /* VBALLOON_TESTS_STORED_H */
