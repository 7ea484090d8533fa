/* SPDX-License-Identifier: BSD-3-Clause */
/* What `watch` shows: the current figures, each with its chart over time. */
#ifndef VBALLOON_CLI_SCENE_H
#define VBALLOON_CLI_SCENE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/chart.h"

enum {
	VBALLOON_SCENE_AVAILABLE, /* the guest's memory */
	VBALLOON_SCENE_FREE, /* likewise */
	VBALLOON_SCENE_BALLOON,
	VBALLOON_SCENE_HOST,
	VBALLOON_SCENE_CHARTS,
};

struct vballoon_scene {
	struct vballoon_chart charts[VBALLOON_SCENE_CHARTS];
	json_t *status; /* the newest; NULL before the first */
	unsigned int interval_s;
};

/* How it is drawn. */
struct vballoon_scene_style {
	size_t columns, rows;
	bool color;
	bool braille;
};

/* Take in a new status, whose reference is taken over. */
void vballoon_scene_add(struct vballoon_scene *scene, json_t *status);
void vballoon_scene_end(struct vballoon_scene *scene);

/* Draw all of it from the top of a terminal. */
void vballoon_scene_draw(const struct vballoon_scene *scene,
			 const struct vballoon_scene_style *style, FILE *to);

/* Print the current figures as one line. */
void vballoon_scene_print_line(const struct vballoon_scene *scene, FILE *to);

#endif /* VBALLOON_CLI_SCENE_H */
