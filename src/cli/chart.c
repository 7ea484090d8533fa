// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "cli/chart.h"

/* Levels in a character. */
#define BRAILLE_LEVELS 4
#define ASCII_LEVELS 3

void vballoon_chart_add(struct vballoon_chart *chart, uint64_t value)
{
	chart->values[chart->next] = value;
	chart->next = (chart->next + 1) % VBALLOON_CHART_VALUES_MAX;
	if (chart->count < VBALLOON_CHART_VALUES_MAX)
		chart->count++;
}

size_t vballoon_chart_values_shown(size_t columns, bool braille)
{
	return braille ? 2 * columns : columns;
}

/* The level, out of @levels in this row, of the value @age before the newest. */
static unsigned int level_of(const struct vballoon_chart *chart, size_t age, uint64_t full,
			     size_t row, size_t rows, unsigned int levels)
{
	size_t below = (rows - 1 - row) * levels;
	uint64_t value;
	size_t height;

	if (age >= chart->count || !full)
		return 0;
	value = chart->values[(chart->next + VBALLOON_CHART_VALUES_MAX - 1 - age) %
			      VBALLOON_CHART_VALUES_MAX];
	if (value > full)
		value = full;
	height = (size_t)((double)value / (double)full * (double)(rows * levels) + 0.5);
	if (value && !height)
		height = 1;
	if (height <= below)
		return 0;
	return height - below < levels ? (unsigned int)(height - below) : levels;
}

/* Unicode 2800 to 28FF: a bit for each dot; in UTF-8. */
static char *put_braille(char *to, unsigned int left, unsigned int right)
{
	static const unsigned char lefts[] = { 0x00, 0x40, 0x44, 0x46, 0x47 };
	static const unsigned char rights[] = { 0x00, 0x80, 0xa0, 0xb0, 0xb8 };
	unsigned int dots = lefts[left] | rights[right];

	*to++ = (char)0xe2;
	*to++ = (char)(0xa0 | dots >> 6);
	*to++ = (char)(0x80 | (dots & 0x3f));
	return to;
}

void vballoon_chart_line(const struct vballoon_chart *chart, uint64_t full, size_t row, size_t rows,
			 size_t columns, bool braille, char *text_out)
{
	unsigned int left, right;
	size_t column, age;

	for (column = 0; column < columns; column++) {
		age = vballoon_chart_values_shown(columns - column, braille) - 1;
		if (braille) {
			left = level_of(chart, age, full, row, rows, BRAILLE_LEVELS);
			right = level_of(chart, age - 1, full, row, rows, BRAILLE_LEVELS);
			text_out = put_braille(text_out, left, right);
		} else {
			*text_out++ = " .:#"[level_of(chart, age, full, row, rows, ASCII_LEVELS)];
		}
	}
	*text_out = '\0';
}
