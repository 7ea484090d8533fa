/* SPDX-License-Identifier: BSD-3-Clause */
/* A quantity over time, drawn with characters: an area from the bottom up. */
#ifndef VBALLOON_CLI_CHART_H
#define VBALLOON_CLI_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The newest values of one quantity; older ones are forgotten. */
#define VBALLOON_CHART_VALUES_MAX 1024

struct vballoon_chart {
	uint64_t values[VBALLOON_CHART_VALUES_MAX]; /* a ring */
	size_t next;
	size_t count;
};

void vballoon_chart_add(struct vballoon_chart *chart, uint64_t value);

/* How many values a width of @columns shows. */
size_t vballoon_chart_values_shown(size_t columns, bool braille);

/* The bytes that a line of @columns can take. */
#define VBALLOON_CHART_LINE_BYTES(columns) ((columns)*3 + 1)

/*
 * Draw one line: @row counts from the top of @rows. The newest value is at the
 * right, @full reaches the top. In braille a character has two values and four
 * levels, otherwise one and three. A value that is not 0 is always seen.
 */
void vballoon_chart_line(const struct vballoon_chart *chart, uint64_t full, size_t row, size_t rows,
			 size_t columns, bool braille, char *text_out);

#endif /* VBALLOON_CLI_CHART_H */
