/* SPDX-License-Identifier: BSD-3-Clause */
/* A write past the end of an allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_byte_after_its_allocation_is_written(void **state)
{
	char *volatile byte = malloc(1);
	volatile size_t two = 2;

	(void)state;
	memset(byte, 0, two);
	free(byte);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_after_its_allocation_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
