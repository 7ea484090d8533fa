/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A service manager that stores descriptors as systemd does (FDSTORE=1), none a second time, and
 * hands them over to the program that it starts, behind the sockets. A thread hears what it is told.
 */
#ifndef VBALLOON_TESTS_FD_STORE_H
#define VBALLOON_TESTS_FD_STORE_H

#include "process.h"

/* Words before those of the program that is started: a test program is this when its first word
 * says so. */
#define FD_STORE_LAUNCH "--launch"
/* While this is in environ, what is started is traced by this process, and stops before it is the
 * program. */
#define FD_STORE_TRACED "VBALLOON_TEST_TRACED"

/* At the beginning of main(): does not return when the words ask for it. */
void fd_store_main(int argc, char **argv);

/* Begin to listen at @path; environ tells programs from now on. */
void fd_store_open(const char *path);
void fd_store_close(void);

/* Start a program with sockets, each of which has a name, "vhost:control", and with what is
 * stored; @self is the test program. */
void fd_store_start(struct process *process, const char *self, const char *const *words,
		    const char *names, const int *sockets, unsigned int count);

/* How many there are; wait until so many are; the one of a name, -1 if there is none; let go of
 * one. */
unsigned int fd_store_count(void);
void fd_store_await(unsigned int count);
int fd_store_find(const char *name);
void fd_store_drop(const char *name);

#endif /* VBALLOON_TESTS_FD_STORE_H */
