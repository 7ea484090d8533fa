// SPDX-License-Identifier: BSD-3-Clause
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <vballoon/abi/traditional_balloon.h>

#include "control/misread.h"
#include "daemon/about.h"
#include "daemon/activation.h"
#include "daemon/config.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/options.h"

enum {
	OPT_SETTING = 1,
	OPT_CONFIG,
	OPT_NO_CONFIG,
	OPT_START_EMPTY,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option other_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "no-config", no_argument, NULL, OPT_NO_CONFIG },
	{ "start-empty", no_argument, NULL, OPT_START_EMPTY },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* The command line, read but not yet taken. */
struct line {
	const char *settings[VBALLOON_SETTINGS_COUNT]; /* NULL: not given */
	const char *config; /* NULL: the installed one */
	bool no_config;
	bool start_empty;
};

/* QEMU's docs/interop/vhost-user.rst, "Back end program conventions": every other
 * option is to be ignored, so not even looked at. */
static bool wants_capabilities(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--print-capabilities"))
			return true;
	}
	return false;
}

static int wrong(const char *text, const char *what)
{
	vballoon_log(LOG_ERR, "%s%s: see vballoond --help", text, what);
	return VBALLOON_OPTIONS_WRONG;
}

/* Settings first: their places in the table are those in struct line. */
static void list_options(struct option *options)
{
	size_t i;

	memset(options, 0, VBALLOON_SETTINGS_COUNT * sizeof(*options));
	for (i = 0; i < VBALLOON_SETTINGS_COUNT; i++) {
		options[i].name = vballoon_settings_known[i].name;
		options[i].has_arg = required_argument;
		options[i].val = OPT_SETTING;
	}
	memcpy(options + VBALLOON_SETTINGS_COUNT, other_options, sizeof(other_options));
}

static int take_option(int option, int index, struct line *line)
{
	switch (option) {
	case OPT_SETTING:
		line->settings[index] = optarg;
		return VBALLOON_OPTIONS_RUN;
	case OPT_CONFIG:
		line->config = optarg;
		return VBALLOON_OPTIONS_RUN;
	case OPT_NO_CONFIG:
		line->no_config = true;
		return VBALLOON_OPTIONS_RUN;
	case OPT_START_EMPTY:
		line->start_empty = true;
		return VBALLOON_OPTIONS_RUN;
	case OPT_HELP:
		vballoon_about_help();
		return VBALLOON_OPTIONS_EXIT;
	case OPT_VERSION:
		vballoon_about_version();
		return VBALLOON_OPTIONS_EXIT;
	default:
		return VBALLOON_OPTIONS_WRONG;
	}
}

static int read_line(int argc, char **argv, struct line *line)
{
	struct option
		options[VBALLOON_SETTINGS_COUNT + sizeof(other_options) / sizeof(other_options[0])];
	int outcome = VBALLOON_OPTIONS_RUN;
	int index = 0;
	char letter[3];
	int option;

	list_options(options);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, &index)) != -1) {
		if (option == ':')
			return wrong(argv[optind - 1], " needs a value");
		if (option == '?')
			return wrong(vballoon_misread_option(argv, letter),
				     ": there is no such option");
		outcome = take_option(option, index, line);
		if (outcome != VBALLOON_OPTIONS_RUN)
			return outcome;
	}
	if (optind < argc)
		return wrong(argv[optind], ": it is no option");
	if (line->config && line->no_config)
		return wrong("--config and --no-config were both given", ": give one of them");
	return outcome;
}

static const char *given(const struct line *line, const char *name)
{
	return line->settings[vballoon_setting_find(name) - vballoon_settings_known];
}

static int read_config(const struct line *line, struct vballoon_settings *settings)
{
	const char *lines = vballoon_keeper_settings();

	/* What they say by now is for the next start: this one is in the place of another. */
	if (lines)
		return vballoon_config_read_lines(lines, settings);
	if (line->no_config)
		return 0;
	if (line->config)
		return vballoon_config_read_file(line->config, settings);
	return vballoon_config_read_directory(VBALLOON_CONFIG_DIR, settings);
}

/* What is said on the command line or handed over replaces what a file says of the
 * same socket, in whatever form. */
static void replace_sockets(const struct line *line, const struct vballoon_activation *activation,
			    struct vballoon_settings *settings)
{
	if (activation->vhost_fd >= 0 || given(line, "fd") || given(line, "socket-path")) {
		free(settings->socket_path);
		settings->socket_path = NULL;
		settings->fd = activation->vhost_fd;
	}
	if (activation->control_fd >= 0) {
		free(settings->control_path);
		settings->control_path = NULL;
		settings->control_fd = activation->control_fd;
	}
}

static int take_settings(const struct line *line, struct vballoon_settings *settings)
{
	const struct vballoon_setting *setting;
	const char *complaint;
	size_t i;

	for (i = 0; i < VBALLOON_SETTINGS_COUNT; i++) {
		setting = &vballoon_settings_known[i];
		if (!line->settings[i])
			continue;
		complaint = setting->take(settings, line->settings[i]);
		if (complaint) {
			vballoon_log(LOG_ERR, "--%s %s: %s", setting->name, line->settings[i],
				     complaint);
			return VBALLOON_OPTIONS_WRONG;
		}
	}
	return VBALLOON_OPTIONS_RUN;
}

static int check_line(const struct line *line, const struct vballoon_activation *activation)
{
	bool front_end = given(line, "fd") || given(line, "socket-path");

	if (given(line, "fd") && given(line, "socket-path"))
		return wrong("--socket-path and --fd were both given", ": give one of them");
	if (front_end && activation->vhost_fd >= 0)
		return wrong("the front end's socket was handed over",
			     ": leave out --socket-path and --fd");
	if (given(line, "control-path") && activation->control_fd >= 0)
		return wrong("the control socket was handed over", ": leave out --control-path");
	return VBALLOON_OPTIONS_RUN;
}

static bool is_taken(const struct vballoon_settings *settings, const char *path)
{
	return path && ((settings->socket_path && !strcmp(path, settings->socket_path)) ||
			(settings->control_path && !strcmp(path, settings->control_path)));
}

static int check(const struct vballoon_settings *settings)
{
	enum vballoon_policy_fault fault =
		vballoon_policy_check(&settings->rules.policy, settings->page_shift, 0);

	if (fault) {
		vballoon_log(LOG_ERR, "the policy contradicts itself: %s",
			     vballoon_policy_fault_text(fault));
		return VBALLOON_OPTIONS_WRONG;
	}
	if (settings->device_id == VIRTIO_BALLOON_ID &&
	    settings->page_shift != VIRTIO_BALLOON_PFN_SHIFT)
		return wrong("the traditional balloon has pages of 4K", ": leave out --page-size");
	if (settings->traditional_socket_path && settings->device_id == VIRTIO_BALLOON_ID)
		return wrong("--traditional-socket-path is for a traditional balloon beside a "
			     "memory balloon",
			     ": leave it out, or --device traditional");
	if (settings->traditional_socket_path && settings->page_shift != VIRTIO_BALLOON_PFN_SHIFT)
		return wrong("two balloons of one guest have pages of 4K",
			     ": leave out --page-size");
	if (settings->supervise && settings->traditional_socket_path)
		return wrong("a supervisor serves one device",
			     ": leave out --supervise or --traditional-socket-path");
	if (!settings->socket_path && settings->fd < 0)
		return wrong("where the front end comes from was not said",
			     ": give --socket-path PATH");
	if (settings->socket_path && settings->control_path &&
	    !strcmp(settings->socket_path, settings->control_path))
		return wrong("--socket-path and --control-path are the same", ": give two paths");
	if (is_taken(settings, settings->traditional_socket_path))
		return wrong("--traditional-socket-path is another socket's too",
			     ": give it a path of its own");
	return VBALLOON_OPTIONS_RUN;
}

int vballoon_options_parse(int argc, char **argv, struct vballoon_settings *settings_out)
{
	struct vballoon_activation activation;
	struct line line = { .config = NULL };
	int outcome;

	vballoon_settings_init(settings_out);
	if (wants_capabilities(argc, argv)) {
		vballoon_about_capabilities();
		return VBALLOON_OPTIONS_EXIT;
	}
	outcome = read_line(argc, argv, &line);
	if (outcome != VBALLOON_OPTIONS_RUN)
		return outcome;
	if (vballoon_activation_take(&activation) || read_config(&line, settings_out))
		return VBALLOON_OPTIONS_WRONG;
	outcome = check_line(&line, &activation);
	if (outcome != VBALLOON_OPTIONS_RUN)
		return outcome;
	replace_sockets(&line, &activation, settings_out);
	settings_out->start_empty = line.start_empty;
	outcome = take_settings(&line, settings_out);
	return outcome == VBALLOON_OPTIONS_RUN ? check(settings_out) : outcome;
}
