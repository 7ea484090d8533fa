/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest of the test bed: PID 1 of an otherwise empty Linux, which obeys one-line commands
 * from the second serial port and answers each with one line, "ok ..." or "error ...".
 */
#ifndef VBALLOON_BED_AGENT_H
#define VBALLOON_BED_AGENT_H

#include <stdint.h>

#define AGENT_LINE_BYTES 1024

/* Answer the command in hand. Exactly one of the two, once for every command. */
__attribute__((format(printf, 1, 2))) void agent_ok(const char *format, ...);
/* @error: the errno that explains it, or 0 */
__attribute__((format(printf, 2, 3))) void agent_error(int error, const char *format, ...);

/* Commands: @arguments is what followed the command's name, never NULL. */
void memory_info(char *arguments);
void memory_fill(char *arguments);
void memory_scatter(char *arguments);
void memory_zeros(char *arguments);
void memory_verify(char *arguments);
void memory_release(char *arguments);
void memory_touch(char *arguments);
void memory_occupy(char *arguments);
void module_load(char *arguments);
void module_unload(char *arguments);
void file_read(char *arguments);
void file_write(char *arguments);
void file_crowd(char *arguments);
void storm_run(char *arguments);
void bandwidth_run(char *arguments);
void power_kexec(char *arguments);
void power_off(char *arguments);
void power_reboot(char *arguments);
void power_swapon(char *arguments);

/* The whole of a small file, as a string without its last newline; 0 or negative errno. */
int file_slurp(const char *path, char *to, uint64_t to_bytes);

#endif
