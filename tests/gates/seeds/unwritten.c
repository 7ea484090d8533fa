/* SPDX-License-Identifier: BSD-3-Clause */
/* What is decided on is memory that nobody has written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_decision_hangs_on_chance(void **state)
{
	volatile int *number = malloc(sizeof(*number));
	int decided = 0;

	(void)state;
	assert_non_null((void *)(uintptr_t)number);
	if (*number > 3)
		decided = 1;
	assert_in_range(decided, 0, 1);
	free((void *)(uintptr_t)number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decision_hangs_on_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
