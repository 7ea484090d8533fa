/* SPDX-License-Identifier: BSD-3-Clause */
/* Failures as they are told: a sentence, or an object with --json; and what the
 * exit codes mean. */
#ifndef VBALLOON_CLI_REPORT_H
#define VBALLOON_CLI_REPORT_H

#include <stdbool.h>

/* Tell failures as objects on standard output from now on. */
void vballoon_report_as_json(bool as_json);

/* Say what failed: "<what>: <why>: <what to do>". Returns @code, to be returned. */
int vballoon_report_failure(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Say that @command needs --control-path. Returns the exit code. */
int vballoon_report_no_path(const char *command);

/* Print what the exit codes mean. */
void vballoon_report_print_codes(void);

#endif /* VBALLOON_CLI_REPORT_H */
