/* SPDX-License-Identifier: BSD-3-Clause */
#include "holdings.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct holdings holdings_now(void)
{
	struct holdings now = { 0 };
	DIR *dir = opendir("/proc/self/fd");
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	assert_non_null(dir);
	assert_non_null(maps);
	while (readdir(dir))
		now.descriptors++;
	/* Anonymous memory is the allocator's; what a back end maps has a file. */
	while (fgets(line, sizeof(line), maps))
		now.mappings += strstr(line, "/memfd:") != NULL;
	fclose(maps);
	closedir(dir);
	return now;
}

void holdings_assert(struct holdings before)
{
	struct holdings after = holdings_now();

	assert_int_equal(after.descriptors, before.descriptors);
	assert_int_equal(after.mappings, before.mappings);
}
