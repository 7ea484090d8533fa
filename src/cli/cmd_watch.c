// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"
#include "cli/scene.h"
#include "cli/terminal.h"

/* How long the guest may take to report before the last report will do: its answer
 * is seen the next time. */
#define REPORT_MS 200

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static bool wants_color(const struct vballoon_cli_options *options)
{
	const char *term = getenv("TERM");

	return !options->no_color && !is_set("NO_COLOR") && term && strcmp(term, "dumb");
}

/* The status, with a report of the guest as new as it will give. What a daemon has not answered in
 * time it answers later: that would be taken for the status. */
static int look(struct vballoon_client *client, json_t **status_out)
{
	json_t *report = NULL;
	int code = vballoon_client_try(client, "stats", json_pack("{si}", "timeout_ms", REPORT_MS),
				       REPORT_MS, &report);

	json_decref(report);
	if (code == VBALLOON_EXIT_UNREACHABLE)
		return code;
	return vballoon_client_try(client, "status", NULL, 0, status_out);
}

static void show_json(const json_t *status)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new((json_t *)status, "time_ms",
			    json_integer((json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000));
	vballoon_format_json(status);
}

static void show(const struct vballoon_cli_options *options, const struct vballoon_scene *scene,
		 const struct vballoon_terminal *terminal, struct vballoon_scene_style *style)
{
	if (options->json) {
		show_json(scene->status);
	} else if (terminal->on_screen) {
		vballoon_terminal_size(&style->columns, &style->rows);
		vballoon_scene_draw(scene, style, stdout);
	} else {
		vballoon_scene_print_line(scene, stdout);
	}
}

/* Wait for the next time to look; a new size is drawn at once. False: to end. */
static bool wait(const struct vballoon_cli_options *options, const struct vballoon_scene *scene,
		 struct vballoon_terminal *terminal, struct vballoon_scene_style *style)
{
	enum vballoon_terminal_wait why;

	if (options->once)
		return false;
	while ((why = vballoon_terminal_wait(terminal, (int)options->interval_s * 1000)) ==
	       VBALLOON_TERMINAL_RESIZED)
		if (terminal->on_screen)
			show(options, scene, terminal, style);
	return why == VBALLOON_TERMINAL_TIME;
}

int vballoon_cmd_watch(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	static struct vballoon_scene scene; /* too large for some stacks */
	struct vballoon_scene_style style = { .color = wants_color(options),
					      .braille = vballoon_terminal_is_utf8() };
	bool screen =
		!options->json && !options->once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct vballoon_terminal terminal;
	json_t *status = NULL;
	int code;

	scene.interval_s = options->interval_s;
	code = look(client, &status);
	if (code)
		return vballoon_report_failure(code, "%s", client->failure);
	if (vballoon_terminal_begin(&terminal, screen))
		return vballoon_report_failure(VBALLOON_EXIT_FAILED,
					       "watch: signals cannot be taken: raise the limit "
					       "of open files");
	do {
		vballoon_scene_add(&scene, status);
		show(options, &scene, &terminal, &style);
	} while (wait(options, &scene, &terminal, &style) && !(code = look(client, &status)));
	vballoon_terminal_end(&terminal);
	vballoon_scene_end(&scene);
	return code ? vballoon_report_failure(code, "%s", client->failure) : code;
}
