/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon tells, for a person or for a program. */
#ifndef VBALLOON_CLI_FORMAT_H
#define VBALLOON_CLI_FORMAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* @return the bytes under @name of an answer; 0 when they are not there. */
uint64_t vballoon_format_bytes_of(const json_t *object, const char *name);

/* @return what a state means for a person, and what to do about it. */
const char *vballoon_format_state(const char *state);

/* Print a value as one line of JSON. */
void vballoon_format_json(const json_t *value);

/* Print `status`, and its guest part, which may be a JSON null. */
void vballoon_format_status(const json_t *status);
void vballoon_format_guest(const json_t *guest);

#endif /* VBALLOON_CLI_FORMAT_H */
