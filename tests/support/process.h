/* SPDX-License-Identifier: BSD-3-Clause */
/* A program under test: started, listened to, ended. Every wait is bounded; one
 * that runs out fails the test. */
#ifndef VBALLOON_TESTS_PROCESS_H
#define VBALLOON_TESTS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The longest that anything may take. */
#define PROCESS_PATIENCE_MS 20000

/* The descriptor under which a program finds the one that it was given. */
#define PROCESS_FD 3

/* What a program has written to one of its outputs. */
struct process_output {
	int fd; /* -1 once it has ended */
	size_t len;
	char text[65536]; /* always a string */
};

struct process {
	pid_t pid; /* 0: it does not run */
	struct process_output out, err;
};

/* The path of the program that asks. */
const char *process_self(void);

/* Start @argv, which ends in NULL, with @fd as its PROCESS_FD unless that is -1. */
void process_start(struct process *process, const char *const *argv, int fd);

/* Wait until it has written @text to standard error. */
void process_await(struct process *process, const char *text);

/* Wait until it ends by itself, or send it @signal before. Returns its exit
 * status; -1 when a signal has ended it. */
int process_wait(struct process *process);
int process_stop(struct process *process, int signal);

/* Start it and wait until it ends. */
int process_run(struct process *process, const char *const *argv, int fd);

/* A line of /proc/PID/status, as the number that it holds. */
uint64_t process_status_value(const struct process *process, const char *name);

/* The only child that it has now; 0: it has none. */
pid_t process_child(const struct process *process);

/* Wait until it sleeps, and see whether it sleeps on for @ms: how often it woke. */
uint64_t process_wakeups(const struct process *process, int ms);

#endif /* VBALLOON_TESTS_PROCESS_H */
