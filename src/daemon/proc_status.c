// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/proc_status.h"

int vballoon_proc_status_read(const char *proc, const char *process, const char *name, char *text,
			      size_t len)
{
	char path[PATH_MAX], line[512];
	size_t name_len = strlen(name);
	int outcome = -ENODATA;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/status", proc, process);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (outcome && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, name_len))
			continue;
		snprintf(text, len, "%s", line + name_len);
		outcome = 0;
	}
	if (outcome && ferror(file))
		outcome = -EIO;
	fclose(file);
	return outcome;
}
