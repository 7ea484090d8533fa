/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit test that skips itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_test_skips_itself(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_test_skips_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
