/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker says: lines of "NAME=value", as to a service manager (sd_notify(3)). */
#ifndef VBALLOON_SUPERVISOR_NOTE_H
#define VBALLOON_SUPERVISOR_NOTE_H

#include <stddef.h>

#define VBALLOON_NOTE_BYTES 4096

/* The value of a line, in @value of @bytes; NULL: there is none, or it is longer. */
const char *vballoon_note_value(const char *note, const char *name, char *value, size_t bytes);

/* Of @note what a worker may tell the service manager: how it is, and nothing about other
 * processes. Returns its length in @out, which has room for @note. */
size_t vballoon_note_for_manager(const char *note, char *out);

#endif /* VBALLOON_SUPERVISOR_NOTE_H */
