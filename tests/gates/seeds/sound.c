/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing is wrong here: the gates below must not be red without their defect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_test_passes(void **state)
{
	(void)state;
	assert_true(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_test_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
