// SPDX-License-Identifier: BSD-3-Clause
/* Word of the host being short of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/epoll.h>

#include <vballoon/policy.h>

#include "daemon/log.h"
#include "daemon/pressure.h"

struct bed {
	struct vballoon_loop loop;
	struct vballoon_pressure pressure;
	unsigned int felt;
};

static void felt(void *context)
{
	struct bed *bed = context;

	bed->felt++;
}

static int set_up(void **state)
{
	static struct bed bed;

	vballoon_log_init();
	assert_int_equal(vballoon_loop_init(&bed.loop), 0);
	vballoon_pressure_init(&bed.pressure, &bed.loop, felt, &bed);
	bed.felt = 0;
	*state = &bed;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *bed = *state;

	vballoon_pressure_listen(&bed->pressure, 0);
	vballoon_loop_deinit(&bed->loop);
	return 0;
}

/* Whatever this kernel can do. */
static void listening_has_the_kernel_tell_or_looks_by_itself(void **state)
{
	struct bed *bed = *state;

	vballoon_pressure_listen(&bed->pressure, 50);
	assert_true(
		(bed->pressure.state == VBALLOON_PRESSURE_PSI && bed->pressure.source.fd >= 0) ||
		(bed->pressure.state == VBALLOON_PRESSURE_LOOKS && bed->pressure.source.fd < 0));
}

static void it_can_be_ended_and_begun_with_another_share(void **state)
{
	struct bed *bed = *state;
	enum vballoon_pressure_state first;

	vballoon_pressure_listen(&bed->pressure, 50);
	first = bed->pressure.state;
	vballoon_pressure_listen(&bed->pressure, 0);
	assert_int_equal(bed->pressure.state, VBALLOON_PRESSURE_OFF);
	assert_int_equal(bed->pressure.source.fd, -1);
	vballoon_pressure_listen(&bed->pressure, 1);
	assert_int_equal(bed->pressure.state, first);
}

static void what_the_kernel_tells_is_passed_on_and_counted(void **state)
{
	struct bed *bed = *state;

	bed->pressure.source.ready(&bed->pressure, EPOLLPRI);
	bed->pressure.source.ready(&bed->pressure, EPOLLPRI);
	assert_int_equal(bed->felt, 2);
	assert_int_equal(bed->pressure.times, 2);
}

static void a_kernel_that_tells_no_more_is_not_listened_to(void **state)
{
	struct bed *bed = *state;

	vballoon_pressure_listen(&bed->pressure, 50);
	bed->pressure.source.ready(&bed->pressure, EPOLLERR);
	assert_int_equal(bed->felt, 0);
	assert_int_equal(bed->pressure.state, VBALLOON_PRESSURE_OFF);
	assert_int_equal(bed->pressure.source.fd, -1);
}

static void without_the_kernel_it_looks_while_there_is_something_to_do(void **state)
{
	struct bed *bed = *state;

	bed->pressure.state = VBALLOON_PRESSURE_LOOKS;
	bed->pressure.looked_ms = 1000;
	assert_int_equal(vballoon_pressure_due_ms(&bed->pressure, false), VBALLOON_NEVER);
	assert_int_equal(vballoon_pressure_due_ms(&bed->pressure, true),
			 1000 + VBALLOON_PRESSURE_LOOK_MS);
	vballoon_pressure_look(&bed->pressure, 999 + VBALLOON_PRESSURE_LOOK_MS, true);
	assert_int_equal(bed->pressure.looked_ms, 1000);
	vballoon_pressure_look(&bed->pressure, 1000 + VBALLOON_PRESSURE_LOOK_MS, true);
	assert_int_equal(bed->pressure.looked_ms, 1000 + VBALLOON_PRESSURE_LOOK_MS);
	bed->pressure.state = VBALLOON_PRESSURE_OFF;
	assert_int_equal(vballoon_pressure_due_ms(&bed->pressure, true), VBALLOON_NEVER);
}

static void memory_is_short_when_little_is_available(void **state)
{
	(void)state;
	assert_true(vballoon_pressure_is_short("MemTotal:  1000 kB\nMemFree: 900 kB\n"
					       "MemAvailable:   49 kB\n"));
	assert_false(vballoon_pressure_is_short("MemTotal:  1000 kB\nMemFree: 1 kB\n"
						"MemAvailable:   50 kB\n"));
}

static void a_file_that_tells_nothing_tells_of_no_shortage(void **state)
{
	(void)state;
	assert_false(vballoon_pressure_is_short(""));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(listening_has_the_kernel_tell_or_looks_by_itself),
		CASE(it_can_be_ended_and_begun_with_another_share),
		CASE(what_the_kernel_tells_is_passed_on_and_counted),
		CASE(a_kernel_that_tells_no_more_is_not_listened_to),
		CASE(without_the_kernel_it_looks_while_there_is_something_to_do),
		CASE(memory_is_short_when_little_is_available),
		CASE(a_file_that_tells_nothing_tells_of_no_shortage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
