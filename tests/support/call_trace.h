/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs to run vballoond under: one sees which of the system calls that it may make it makes,
 * one takes namespaces from it. A test program is both, when its first word says so. */
#ifndef VBALLOON_TESTS_CALL_TRACE_H
#define VBALLOON_TESTS_CALL_TRACE_H

#include <stdbool.h>

/* Words before those of the program: these, for the first a file, and the program. */
#define CALL_TRACE "--trace-calls"
#define CALL_TRACE_WITHOUT_NAMESPACES "--without-namespaces"

/* At the beginning of main(): does not return when the words ask for one of them. */
void call_trace_main(int argc, char **argv);

/* Whether the daemon's call @index (vballoon_daemon_calls) is in the file that was written. */
bool call_trace_has(const char *path, unsigned int index);

#endif /* VBALLOON_TESTS_CALL_TRACE_H */
