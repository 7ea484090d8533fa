// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include "cli/format.h"
#include "cli/scene.h"
#include "control/size.h"

/* Lines that are no chart's: two at the top, one at the bottom. A terminal that has
 * no more than these and the figures does without the empty one. */
#define OTHER_ROWS 3
#define CHART_ROWS_MAX 6
#define COLUMNS_MAX 512

#define CLEAR_REST "\033[K"
#define CLEAR_BELOW "\033[J"
#define PLAIN "\033[0m"

static const struct {
	const char *name;
	const char *short_name;
	const char *color;
	const char *statistic; /* of the guest; NULL: a figure of the device */
	const char *figure;
} charts[VBALLOON_SCENE_CHARTS] = {
	[VBALLOON_SCENE_AVAILABLE] = { "guest available", "available", "\033[32m", "mem-available",
				       NULL },
	[VBALLOON_SCENE_FREE] = { "guest free", "free", "\033[36m", "mem-free", NULL },
	[VBALLOON_SCENE_BALLOON] = { "balloon", "balloon", "\033[33m", NULL, "held_bytes" },
	[VBALLOON_SCENE_HOST] = { "host memory", "host", "\033[35m", NULL, "backing_bytes" },
};

static const json_t *value_of(const json_t *status, int chart)
{
	const json_t *stats = json_object_get(json_object_get(status, "guest"), "stats");

	return charts[chart].statistic ? json_object_get(stats, charts[chart].statistic)
				       : json_object_get(status, charts[chart].figure);
}

static uint64_t bytes_of(const json_t *status, int chart)
{
	return (uint64_t)json_integer_value(value_of(status, chart));
}

void vballoon_scene_add(struct vballoon_scene *scene, json_t *status)
{
	int chart;

	json_decref(scene->status);
	scene->status = status;
	for (chart = 0; chart < VBALLOON_SCENE_CHARTS; chart++)
		vballoon_chart_add(&scene->charts[chart], bytes_of(status, chart));
}

void vballoon_scene_end(struct vballoon_scene *scene)
{
	json_decref(scene->status);
	scene->status = NULL;
}

/* A figure that nobody has told is no zero. */
static const char *figure(const json_t *status, int chart, char text[VBALLOON_SIZE_TEXT_BYTES])
{
	return json_is_integer(value_of(status, chart))
		       ? vballoon_size_format(bytes_of(status, chart), text)
		       : "not told";
}

static const char *state_of(const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));

	return state ? state : "";
}

/* What is to be said beside a figure. */
static void describe(const json_t *status, int chart, char *text, size_t len)
{
	char target[VBALLOON_SIZE_TEXT_BYTES], dropped[VBALLOON_SIZE_TEXT_BYTES];
	json_int_t age_ms =
		json_integer_value(json_object_get(json_object_get(status, "guest"), "age_ms"));

	text[0] = '\0';
	if (chart == VBALLOON_SCENE_BALLOON)
		snprintf(text, len, "of %s; %s given back",
			 vballoon_size_format(vballoon_format_bytes_of(status, "target_bytes"),
					      target),
			 vballoon_size_format(vballoon_format_bytes_of(status, "dropped_bytes"),
					      dropped));
	else if (chart == VBALLOON_SCENE_HOST)
		snprintf(text, len, "of %s of guest memory",
			 vballoon_size_format(vballoon_format_bytes_of(status, "memory_bytes"),
					      target));
	else if (age_ms >= 2000)
		snprintf(text, len, "%" JSON_INTEGER_FORMAT " s ago", age_ms / 1000);
}

/* Where lines go; those that a terminal has no room for go nowhere. */
struct page {
	FILE *to;
	const struct vballoon_scene_style *style;
	size_t rows; /* used */
};

/* One line of at most so many bytes. What follows the last would move all up. What was there
 * is cleared before: behind a line as wide as the terminal the cursor is still on its last
 * character, which many terminals would clear with the rest. */
static void put(struct page *page, const char *clear, const char *text, size_t len)
{
	if (page->rows >= page->style->rows)
		return;
	fprintf(page->to, "%s%s%.*s", page->rows++ ? "\r\n" : "", clear, (int)len, text);
}

/* No chart, so that each byte is a column: cut off at the width. */
static void put_text(struct page *page, const char *text)
{
	put(page, CLEAR_REST, text, page->style->columns);
}

static void draw_chart(const struct vballoon_scene *scene, struct page *page, int chart,
		       size_t rows)
{
	const struct vballoon_scene_style *style = page->style;
	uint64_t full = vballoon_format_bytes_of(scene->status, "memory_bytes");
	size_t columns = style->columns < COLUMNS_MAX ? style->columns : COLUMNS_MAX;
	char line[VBALLOON_CHART_LINE_BYTES(COLUMNS_MAX)];
	char value[VBALLOON_SIZE_TEXT_BYTES], remark[128], head[256];
	const char *told = figure(scene->status, chart, value);
	size_t row;

	describe(scene->status, chart, remark, sizeof(remark));
	snprintf(head, sizeof(head), "%-16s %-11s %s", charts[chart].name, told, remark);
	/* A number that is cut off would be another number. */
	if (strlen(head) > columns)
		snprintf(head, sizeof(head), "%-16s %s", charts[chart].name, told);
	fputs(style->color ? charts[chart].color : "", page->to);
	put_text(page, head);
	for (row = 0; row < rows; row++) {
		vballoon_chart_line(&scene->charts[chart], full, row, rows, columns, style->braille,
				    line);
		put(page, CLEAR_REST, line, sizeof(line));
	}
	fputs(style->color ? PLAIN : "", page->to);
}

static void draw_foot(const struct vballoon_scene *scene, struct page *page)
{
	size_t seconds = vballoon_chart_values_shown(page->style->columns, page->style->braille) *
			 scene->interval_s;
	char text[256];
	int len = snprintf(text, sizeof(text), "q ends; the last %zu:%02zu minutes", seconds / 60,
			   seconds % 60);
	static const char scale[] = ", all to one scale";

	if ((size_t)len + strlen(scale) <= page->style->columns)
		snprintf(text + len, sizeof(text) - (size_t)len, "%s", scale);
	put(page, CLEAR_BELOW, text, page->style->columns);
}

void vballoon_scene_draw(const struct vballoon_scene *scene,
			 const struct vballoon_scene_style *style, FILE *to)
{
	size_t rows = style->rows > OTHER_ROWS ? style->rows - OTHER_ROWS : 0;
	struct page page = { .to = to, .style = style };
	char text[512];
	int chart;

	/* Each has a line for its figure beside its chart. */
	rows = rows / VBALLOON_SCENE_CHARTS;
	rows = rows > CHART_ROWS_MAX ? CHART_ROWS_MAX : rows;
	fputs("\033[H", to);
	snprintf(text, sizeof(text), "vballoon: %s, %s", state_of(scene->status),
		 vballoon_format_state(state_of(scene->status)));
	if (strlen(text) > style->columns)
		snprintf(text, sizeof(text), "vballoon: %s", state_of(scene->status));
	put_text(&page, text);
	if (rows)
		put_text(&page, "");
	for (chart = 0; chart < VBALLOON_SCENE_CHARTS; chart++)
		draw_chart(scene, &page, chart, rows ? rows - 1 : 0);
	draw_foot(scene, &page);
	fflush(to);
}

void vballoon_scene_print_line(const struct vballoon_scene *scene, FILE *to)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];
	int chart;

	fprintf(to, "%s, target %s", state_of(scene->status),
		vballoon_size_format(vballoon_format_bytes_of(scene->status, "target_bytes"),
				     text));
	for (chart = VBALLOON_SCENE_CHARTS - 1; chart >= 0; chart--)
		fprintf(to, ", %s %s", charts[chart].short_name,
			figure(scene->status, chart, text));
	fputc('\n', to);
	fflush(to);
}
