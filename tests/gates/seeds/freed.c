/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is used after it was freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void freed_memory_is_read(void **state)
{
	char *volatile bytes = malloc(16); /* volatile: else the compiler complains */

	(void)state;
	free(bytes);
	assert_int_not_equal(bytes[0], 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freed_memory_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
