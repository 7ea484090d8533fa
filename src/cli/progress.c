// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/progress.h"
#include "control/size.h"

/* What takes less needs no bar. */
#define BAR_AFTER_MS 1000

/* Where there is no terminal, a log's reader wants few lines. */
#define LINE_EVERY_MS 10000

#define BAR_WIDTH_MIN 10
#define BAR_WIDTH_MAX 60

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

char *vballoon_progress_bar(char *text, size_t width, uint64_t part, uint64_t whole)
{
	size_t room = width - 2;
	size_t done = room;

	if (part < whole)
		done = (size_t)((double)part / (double)whole * (double)room);
	memset(text, '-', width);
	memset(text + 1, '#', done);
	text[0] = '[';
	text[width - 1] = ']';
	text[width] = '\0';
	return text;
}

/* What the terminal has, without its last column, where a cursor would wrap. */
static size_t usable_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 79 : size.ws_col - 1U;
}

static void draw(const char *text, uint64_t part, uint64_t whole)
{
	char bar[BAR_WIDTH_MAX + 1];
	size_t columns = usable_columns();
	size_t width = columns > strlen(text) + 1 ? columns - strlen(text) - 1 : 0;

	if (width > BAR_WIDTH_MAX)
		width = BAR_WIDTH_MAX;
	if (width < BAR_WIDTH_MIN)
		fprintf(stderr, "\r%.*s\033[K", (int)columns, text);
	else
		fprintf(stderr, "\r%s %s\033[K", vballoon_progress_bar(bar, width, part, whole),
			text);
}

void vballoon_progress_begin(struct vballoon_progress *progress, uint64_t now_ms, uint64_t first,
			     const char *of_what)
{
	progress->on_terminal = isatty(STDERR_FILENO);
	progress->drawn = false;
	progress->due_ms = now_ms + (progress->on_terminal ? BAR_AFTER_MS : LINE_EVERY_MS);
	progress->first = first;
	progress->of_what = of_what;
}

void vballoon_progress_show(struct vballoon_progress *progress, uint64_t now_ms, uint64_t now_bytes,
			    uint64_t target_bytes)
{
	char now_text[VBALLOON_SIZE_TEXT_BYTES], target_text[VBALLOON_SIZE_TEXT_BYTES];
	char text[2 * VBALLOON_SIZE_TEXT_BYTES + 8];

	if (progress->quiet || now_ms < progress->due_ms)
		return;
	snprintf(text, sizeof(text), "%s of %s", vballoon_size_format(now_bytes, now_text),
		 vballoon_size_format(target_bytes, target_text));
	if (!progress->on_terminal) {
		fprintf(stderr, "%s %s\n", text, progress->of_what);
		progress->due_ms = now_ms + LINE_EVERY_MS;
		return;
	}
	draw(text, distance(now_bytes, progress->first), distance(target_bytes, progress->first));
	progress->drawn = true;
}

void vballoon_progress_end(struct vballoon_progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}
