/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs to run vballoond under: one sees which of the system calls that it and its lookout may
 * make they make, one takes namespaces from it. A test program is both, when its first word says so. */
#ifndef VBALLOON_TESTS_CALL_TRACE_H
#define VBALLOON_TESTS_CALL_TRACE_H

#include <stdbool.h>

/* Words before those of the program: these, for the first a file, and the program. */
#define CALL_TRACE "--trace-calls"
#define CALL_TRACE_WITHOUT_NAMESPACES "--without-namespaces"

/* At the beginning of main(): does not return when the words ask for one of them. */
void call_trace_main(int argc, char **argv);

/* Whose calls, in the file that was written. */
enum call_trace_of {
	CALL_TRACE_OF_DAEMON, /* vballoon_daemon_calls */
	CALL_TRACE_OF_LOOKOUT, /* vballoon_lookout_calls */
};

/* Whether one of the two has made the call @index of its list. */
bool call_trace_has(const char *path, enum call_trace_of of, unsigned int index);

/* Whether a function makes a system call here, to do what it does. */
bool call_trace_makes(void (*function)(void), int number);

#endif /* VBALLOON_TESTS_CALL_TRACE_H */
