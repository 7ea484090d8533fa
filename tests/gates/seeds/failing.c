/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit test that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_test_fails(void **state)
{
	(void)state;
	assert_true(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_test_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
