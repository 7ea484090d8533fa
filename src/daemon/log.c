// SPDX-License-Identifier: BSD-3-Clause
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/loop.h"

/* Below PIPE_BUF: what ppoll() calls writable takes a whole line. */
#define LINE_BYTES 1024

/* So many lines, then one more every so often. */
#define BURST_LINES 50
#define LINE_EVERY_MS 200

static struct {
	bool journal;
	unsigned int lines; /* of the burst, still free */
	uint64_t since_ms; /* when the last line was added to them */
	uint64_t lost; /* lines, since the last that was written */
} log_state = { .lines = BURST_LINES };

static const char *const words[] = {
	[LOG_EMERG] = "error: ", [LOG_ALERT] = "error: ",     [LOG_CRIT] = "error: ",
	[LOG_ERR] = "error: ",	 [LOG_WARNING] = "warning: ", [LOG_NOTICE] = "",
	[LOG_INFO] = "",	 [LOG_DEBUG] = "debug: ",
};

void vballoon_log_init(void)
{
	log_state.journal = getenv("JOURNAL_STREAM");
}

static bool take_line(void)
{
	uint64_t now_ms = vballoon_loop_now_ms();
	uint64_t earned = (now_ms - log_state.since_ms) / LINE_EVERY_MS;

	if (earned) {
		log_state.since_ms = now_ms;
		log_state.lines = earned < BURST_LINES - log_state.lines
					  ? log_state.lines + (unsigned int)earned
					  : BURST_LINES;
	}
	if (!log_state.lines)
		return false;
	log_state.lines--;
	return true;
}

static bool can_write(void)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	const struct timespec now = { 0 };

	return ppoll(&out, 1, &now, NULL) == 1 && !(out.revents & (POLLERR | POLLNVAL));
}

static void write_line(int priority, const char *text)
{
	char line[LINE_BYTES + 32];
	int len;

	if (log_state.journal)
		len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		len = snprintf(line, sizeof(line), "vballoond: %s%s\n", words[priority], text);
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		log_state.lost++;
}

void vballoon_log(int priority, const char *format, ...)
{
	char text[LINE_BYTES];
	char *character;
	va_list args;

	if (!take_line() || !can_write()) {
		log_state.lost++;
		return;
	}
	if (log_state.lost) {
		snprintf(text, sizeof(text), "%llu lines were left out here",
			 (unsigned long long)log_state.lost);
		log_state.lost = 0;
		write_line(LOG_WARNING, text);
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Names of files and of processes are others' choice. */
	for (character = text; *character; character++) {
		if ((unsigned char)*character < ' ' || *character == 0x7f)
			*character = '?';
	}
	write_line(priority & LOG_PRIMASK, text);
}
