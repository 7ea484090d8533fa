/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allocations and system calls that fail when a test wants them to. A program that is linked with
 * this, and with each name of a WRAP() in nth.c wrapped, makes them through it; those that it makes
 * between nth_enter() and nth_leave() count, and are the code's under test.
 */
#ifndef VBALLOON_TESTS_NTH_H
#define VBALLOON_TESTS_NTH_H

#include <stdbool.h>
#include <stddef.h>

enum nth_mode {
	NTH_ONCE, /* one call fails */
	NTH_FROM_THEN_ON, /* and each one after it */
};

/* Count anew; the call with this number fails, the first being 1. 0: none does. */
void nth_arm(unsigned int number, enum nth_mode mode);
void nth_enter(void);
void nth_leave(void);

/* How many calls there have been, and the name of the one that failed first: NULL, none has. */
unsigned int nth_calls(void);
const char *nth_failed(void);

/* Asked of the first call that is to fail: whether it does. And standard error, which never does. */
extern bool (*nth_may_fail)(unsigned int number, const char *name);
void nth_write_error(const char *text, size_t len);

/* Of a vballoond that has all this: see nth_daemon.c. */
#define NTH_VARIABLE "VBALLOON_TESTS_NTH"

/* Allocations that were made between nth_enter() and nth_leave() and are not free. */
long nth_allocated(void);

#endif /* VBALLOON_TESTS_NTH_H */
