/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit test that leaves its program, with the exit code of a success. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void a_test_never_ends(void **state)
{
	(void)state;
	_exit(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_test_never_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
