/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The main job of the portable driver with the device, over feature subsets and both
 * rings: pairs of features, or with --all every subset.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "port_machine.h"
#include "port_subset.h"

static bool all;
static struct port_machine machine;

static bool has(const struct port_machine *m, unsigned int feature)
{
	return port_guest_status(&m->guest).features >> feature & 1;
}

static void exchange(struct port_machine *m)
{
	uint64_t from = port_guest_unit_gpa(&m->guest, 0);
	uint64_t to = port_guest_unit_gpa(&m->guest, port_guest_units(&m->guest) - 1);

	if (!has(m, VIRTIO_MEMORY_BALLOON_F_EXCHANGE)) {
		assert_int_equal(port_guest_move(&m->guest, from, to, 1), -EOPNOTSUPP);
		return;
	}
	assert_int_equal(port_guest_move(&m->guest, from, to, 1), 0);
	port_machine_settle(m);
	assert_int_equal(m->guest.swapped, 1);
}

static void report(struct port_machine *m)
{
	if (!has(m, VIRTIO_MEMORY_BALLOON_F_REPORTING)) {
		assert_int_equal(vballoon_guest_report(m->guest.driver), -EOPNOTSUPP);
		return;
	}
	assert_int_equal(vballoon_guest_report(m->guest.driver), 0);
	port_machine_settle(m);
	assert_true(m->guest.reports > 0);
}

static void main_job(uint64_t features, uint32_t unit_shift, unsigned int block)
{
	struct port_machine *m = &machine;
	uint64_t unit = UINT64_C(1) << (unit_shift - 12);

	port_machine_init(m, vballoon_device_features_max(), unit_shift);
	m->guest.config.features = features;
	m->guest.block = block;
	port_machine_start(m);
	port_machine_target(m, 600);
	port_machine_expect(m, 600 & ~(unit - 1));
	assert_int_equal(port_machine_status(m).dropped_pages, 600 & ~(unit - 1));
	exchange(m);
	report(m);
	vballoon_device_request_stats(m->device);
	while (vballoon_device_run(m->device))
		;
	port_machine_settle(m);
	assert_int_equal(port_machine_status(m).stats.reports, 1);
	port_machine_target(m, 320);
	port_machine_expect(m, 320);
	vballoon_guest_pressure(m->guest.driver, 160, m->guest.now_ms);
	port_machine_settle(m);
	port_machine_expect(m, 160);
	port_machine_target(m, 0);
	port_machine_expect(m, 0);
	assert_int_equal(port_machine_status(m).violations, 0);
	assert_int_equal(m->guest.starts, 1);
	port_machine_destroy(m);
}

static void every_subset(uint32_t unit_shift, unsigned int block)
{
	uint64_t subset;
	unsigned int tried = 0;

	while (port_subset(vballoon_device_features_max(), all, tried, &subset)) {
		main_job(subset, unit_shift, block);
		tried++;
	}
	print_message("%u subsets\n", tried);
	assert_true(tried >= 4);
}

static void pages_one_at_a_time(void **state)
{
	(void)state;
	every_subset(12, 1);
}

static void pages_in_blocks(void **state)
{
	(void)state;
	every_subset(12, 64);
}

static void units_of_64_kib(void **state)
{
	(void)state;
	every_subset(16, 4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_one_at_a_time),
		cmocka_unit_test(pages_in_blocks),
		cmocka_unit_test(units_of_64_kib),
	};

	all = port_subset_all(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
