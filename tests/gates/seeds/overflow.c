/* SPDX-License-Identifier: BSD-3-Clause */
/* Undefined behaviour that does no harm on most machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_signed_addition_overflows(void **state)
{
	volatile int big = INT32_MAX;

	(void)state;
	big = big + 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_addition_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
