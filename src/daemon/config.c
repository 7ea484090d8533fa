// SPDX-License-Identifier: BSD-3-Clause
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/log.h"

#define SPACE " \t\r\n"

static char *trim(char *text)
{
	char *end;

	text += strspn(text, SPACE);
	end = text + strlen(text);
	while (end > text && strchr(SPACE, end[-1]))
		end--;
	*end = '\0';
	return text;
}

static int unknown(const char *path, unsigned int number, const char *name)
{
	char names[512] = ""; /* of all settings that there are, and more */
	size_t len = 0;
	size_t i;

	for (i = 0; i < VBALLOON_SETTINGS_COUNT; i++) {
		if (vballoon_settings_known[i].in_files && len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len ? ", " : "", vballoon_settings_known[i].name);
	}
	vballoon_log(LOG_ERR, "%s:%u: there is no setting \"%s\": there are %s", path, number, name,
		     names);
	return -1;
}

/* Of what is right, for vballoon_config_read_lines(). */
static const char *note(struct vballoon_settings *settings, const char *name, const char *value)
{
	char *lines;

	if (asprintf(&lines, "%s%s=%s\n", settings->lines ? settings->lines : "", name, value) < 0)
		return "memory is short";
	free(settings->lines);
	settings->lines = lines;
	return NULL;
}

static int take_line(const char *path, unsigned int number, char *line,
		     struct vballoon_settings *settings)
{
	const struct vballoon_setting *setting;
	const char *complaint;
	char *name, *value;

	name = trim(line);
	if (!*name || *name == '#')
		return 0;
	value = strchr(name, '=');
	if (!value) {
		vballoon_log(LOG_ERR, "%s:%u: \"%s\" is no line like \"page-size = 2M\"", path,
			     number, name);
		return -1;
	}
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	setting = vballoon_setting_find(name);
	if (!setting || !setting->in_files)
		return unknown(path, number, name);
	complaint = *value ? setting->take(settings, value) : "it has no value";
	if (!complaint)
		complaint = note(settings, name, value);
	if (!complaint)
		return 0;
	vballoon_log(LOG_ERR, "%s:%u: %s = %s: %s", path, number, name, value, complaint);
	return -1;
}

static int take_lines(const char *path, FILE *file, struct vballoon_settings *settings)
{
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;
	int outcome = 0;

	while (!outcome && getline(&line, &room, file) >= 0)
		outcome = take_line(path, ++number, line, settings);
	free(line);
	if (!outcome && ferror(file)) {
		vballoon_log(LOG_ERR, "cannot read %s: %s", path, strerror(errno));
		outcome = -1;
	}
	return outcome;
}

static int read_file(const char *path, bool must_exist, struct vballoon_settings *settings)
{
	FILE *file = fopen(path, "re");
	int outcome;

	if (!file && errno == ENOENT && !must_exist)
		return 0;
	if (!file) {
		vballoon_log(LOG_ERR, "cannot read %s: %s", path, strerror(errno));
		return -1;
	}
	outcome = take_lines(path, file, settings);
	fclose(file);
	return outcome;
}

static int is_drop_in(const struct dirent *entry)
{
	return !fnmatch("*.conf", entry->d_name, FNM_PERIOD);
}

static int read_drop_ins(const char *directory, struct vballoon_settings *settings)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_drop_in, alphasort);
	char path[PATH_MAX + NAME_MAX + 2];
	int outcome = 0;
	int i;

	if (count < 0 && errno != ENOENT) {
		vballoon_log(LOG_ERR, "cannot read %s: %s", directory, strerror(errno));
		outcome = -1;
	}
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		if (!outcome)
			outcome = read_file(path, true, settings);
		free(entries[i]);
	}
	free(entries);
	return outcome;
}

int vballoon_config_read_file(const char *path, struct vballoon_settings *settings)
{
	return read_file(path, true, settings);
}

int vballoon_config_read_lines(const char *lines, struct vballoon_settings *settings)
{
	FILE *file;
	int outcome;

	if (!*lines)
		return 0;
	file = fmemopen((char *)(uintptr_t)lines, strlen(lines), "r");
	if (!file) {
		vballoon_log(LOG_ERR, "cannot read the configuration: %s", strerror(errno));
		return -1;
	}
	outcome = take_lines("the configuration", file, settings);
	fclose(file);
	return outcome;
}

int vballoon_config_read_directory(const char *directory, struct vballoon_settings *settings)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/vballoond.conf", directory);
	if (read_file(path, false, settings))
		return -1;
	snprintf(path, sizeof(path), "%s/conf.d", directory);
	return read_drop_ins(path, settings);
}
