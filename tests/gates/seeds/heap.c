/* SPDX-License-Identifier: BSD-3-Clause */
/* A write past the end of an allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_byte_after_its_allocation_is_written(void **state)
{
	volatile size_t size = 1; /* what the compiler knows, it complains of itself */
	volatile char *bytes = malloc(size);

	(void)state;
	bytes[size] = 0;
	free((char *)bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_after_its_allocation_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
