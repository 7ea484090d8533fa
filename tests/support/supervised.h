/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vballoond with a supervisor and a guest of its own, in a daemon's bed; its worker, which is
 * followed from one system call to the next, and killed.
 */
#ifndef VBALLOON_TESTS_SUPERVISED_H
#define VBALLOON_TESTS_SUPERVISED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include "daemon_bed.h"
#include "port_front.h"

/* Start it; the guest has @pages in the balloon. No client is connected afterwards. */
void supervised_begin(struct daemon_bed *bed, struct port_front *front, uint64_t pages);
/* The same with these options, --supervise among them, which end in NULL. */
void supervised_begin_with(struct daemon_bed *bed, struct port_front *front, uint64_t pages,
			   const char *const *words);

/* Order a balloon of @pages. */
void supervised_set(struct daemon_bed *bed, uint64_t pages);

/* The balloon comes to be of @pages, and all is well with it. */
void supervised_assert_sound(struct daemon_bed *bed, struct port_front *front, uint64_t pages);

/* The worker that is there; 0: none is. */
pid_t supervised_worker(const struct daemon_bed *bed);

/* Wait until there is another worker than @before, and stop it to be traced. */
pid_t supervised_seize(const struct daemon_bed *bed, pid_t before);

/* Stop the supervisor itself to be traced; what follows is for it as for a worker. */
void supervised_seize_supervisor(const struct daemon_bed *bed);
/* One that asked to be traced by this process has stopped before it is its program. */
void supervised_await_launch(const struct daemon_bed *bed);

/* Kill @worker, and have the next one stopped at its very beginning. */
pid_t supervised_newborn(const struct daemon_bed *bed, pid_t worker);

/* The first worker of a supervisor that has stopped before it is one, likewise. */
pid_t supervised_firstborn(const struct daemon_bed *bed);

/* Let it run to where it begins a system call, which may be told. Returns which; or one of
 * these. */
#define SUPERVISED_DIED -1L
#define SUPERVISED_WAITS -2L /* it waits for something to happen */
long supervised_next_call(pid_t worker, struct __ptrace_syscall_info *info_out);

/* Let it run up to where it waits. */
void supervised_await_waiting(pid_t worker);

void supervised_kill(pid_t worker);
void supervised_let_go(pid_t worker);

/* Wait until a process that is not a child has ended. */
void supervised_await_end(pid_t pid);

void supervised_sleep_ms(long ms);

#endif /* VBALLOON_TESTS_SUPERVISED_H */
