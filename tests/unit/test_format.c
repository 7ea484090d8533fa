// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"

/* What is printed of a status that has these counters, to be freed. */
static char *printed_of(json_t *counters)
{
	json_t *status = json_pack("{so}", "counters", counters);
	FILE *terminal = stdout;
	char *text = NULL;
	size_t len;

	assert_non_null(status);
	stdout = open_memstream(&text, &len);
	assert_non_null(stdout);
	vballoon_format_status(status);
	fclose(stdout);
	stdout = terminal;
	json_decref(status);
	return text;
}

static void what_the_host_failed_at_is_shown(void **state)
{
	char *text = printed_of(json_pack("{sisisi}", "drop_failures", 2, "last_drop_error", -12,
					  "restore_failures", 3));

	(void)state;
	assert_non_null(strstr(text, "host refused          2             times, last: Cannot"));
	assert_non_null(strstr(text, "host had nothing      3             times"));
	free(text);
}

static void nothing_is_shown_of_what_has_not_failed(void **state)
{
	char *text = printed_of(json_pack("{sisi}", "drop_failures", 0, "restore_failures", 0));

	(void)state;
	assert_null(strstr(text, "times"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_host_failed_at_is_shown),
		cmocka_unit_test(nothing_is_shown_of_what_has_not_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
