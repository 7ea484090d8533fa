/* SPDX-License-Identifier: BSD-3-Clause */
/* An allocation that nothing points to any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_allocation_is_lost(void **state)
{
	void *volatile lost = malloc(100);

	(void)state;
	lost = NULL;
	assert_null(lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allocation_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
