// SPDX-License-Identifier: BSD-3-Clause
/* How the control protocol calls what the wire has numbers for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/names.h"

/* A guest may send any that the headers know: one without a name would be lost, or worse. */
static void every_statistic_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VBALLOON_NAMES_STATISTICS; i++) {
		assert_non_null(vballoon_names_statistic(i));
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(vballoon_names_statistic(i),
						vballoon_names_statistic(j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statistic_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
