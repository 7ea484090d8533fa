/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's log: lines on standard error, with the priorities of syslog(3).
 *
 * A guest can cause lines, so they are bounded in number, in length and in
 * characters; and a reader of the log that has stopped reading does not stop the
 * daemon: lines that find no room are counted and told of later.
 */
#ifndef VBALLOON_DAEMON_LOG_H
#define VBALLOON_DAEMON_LOG_H

#include <syslog.h>

/* Prefix lines with "<priority>" if the journal reads them, else with a word. */
void vballoon_log_init(void);

void vballoon_log(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* VBALLOON_DAEMON_LOG_H */
