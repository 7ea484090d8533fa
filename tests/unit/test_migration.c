// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whether a guest can move: the truth tables of docs/positive-features.md, a row a test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <vballoon/abi/memory_balloon.h>

#include "migration_rows.h"

static void a_row_holds(void **state)
{
	const struct row *row = *state;
	struct vballoon_feature_set source = source_of(row), destination = destination_of(row);
	struct vballoon_migration migration;

	vballoon_migration_check(&source, &destination, &migration);
	assert_int_equal(migration.obstacles, row->obstacles);
	assert_int_equal(migration.missing, row->missing);
	assert_int_equal(migration.masked,
			 row->destination_offered & ~row->negotiated & ~MUST_TELL);
}

static struct vballoon_feature_set balloon(uint64_t offered, uint64_t negotiated)
{
	return (struct vballoon_feature_set){
		.device_id = VIRTIO_MEMORY_BALLOON_ID,
		.revision = VIRTIO_MEMORY_BALLOON_REVISION,
		.page_shift = 12,
		.offered = offered | VERSION_1,
		.has_driver = true,
		.negotiated = negotiated | VERSION_1,
	};
}

static unsigned int obstacles_between(const struct vballoon_feature_set *source,
				      const struct vballoon_feature_set *destination)
{
	struct vballoon_migration migration;

	vballoon_migration_check(source, destination, &migration);
	return migration.obstacles;
}

/* Bit 0 is another feature there, and positive. */
static void device_13_has_no_negative_feature(void **state)
{
	const uint64_t runs = BIT(VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
	struct vballoon_feature_set none = balloon(0, 0), all = balloon(runs, runs);

	(void)state;
	assert_int_equal(obstacles_between(&none, &all), 0);
	assert_int_equal(obstacles_between(&all, &none), VBALLOON_OBSTACLE_MISSING);
}

static void a_guest_without_a_driver_can_move(void **state)
{
	struct vballoon_feature_set source = traditional(MUST_TELL, STATS);
	struct vballoon_feature_set destination = traditional(MUST_TELL, 0);

	(void)state;
	source.has_driver = false;
	assert_int_equal(obstacles_between(&source, &destination), 0);
}

static void another_page_size_is_in_the_way(void **state)
{
	struct vballoon_feature_set source = balloon(0, 0), destination = balloon(0, 0);

	(void)state;
	destination.page_shift = 21;
	assert_int_equal(obstacles_between(&source, &destination), VBALLOON_OBSTACLE_PAGE);
	source.has_driver = false;
	assert_int_equal(obstacles_between(&source, &destination), VBALLOON_OBSTACLE_PAGE);
}

static void another_revision_is_in_the_way(void **state)
{
	struct vballoon_feature_set source = balloon(0, 0), destination = balloon(0, 0);

	(void)state;
	destination.revision++;
	assert_int_equal(obstacles_between(&source, &destination), VBALLOON_OBSTACLE_REVISION);
}

/* Its bits mean something else, so nothing is said of them. */
static void another_device_is_in_the_way(void **state)
{
	struct vballoon_feature_set source = balloon(BIT(1), BIT(1));
	struct vballoon_feature_set destination = traditional(MUST_TELL, 0);

	(void)state;
	destination.revision = source.revision;
	assert_int_equal(obstacles_between(&source, &destination), VBALLOON_OBSTACLE_DEVICE);
}

static void each_obstacle_has_a_name_and_a_text(void **state)
{
	(void)state;
	assert_string_equal(vballoon_obstacle_name(MISSING), "missing-features");
	assert_non_null(strstr(vballoon_obstacle_text(MUST_TELL_OBSTACLE), "must-tell-host"));
	for (unsigned int i = 0; i < VBALLOON_OBSTACLE_COUNT; i++) {
		assert_string_not_equal(vballoon_obstacle_name(1U << i), "unknown");
		assert_string_not_equal(vballoon_obstacle_text(1U << i), "not a known obstacle");
	}
	assert_string_equal(vballoon_obstacle_name(1U << VBALLOON_OBSTACLE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(device_13_has_no_negative_feature),
		cmocka_unit_test(a_guest_without_a_driver_can_move),
		cmocka_unit_test(another_page_size_is_in_the_way),
		cmocka_unit_test(another_revision_is_in_the_way),
		cmocka_unit_test(another_device_is_in_the_way),
		cmocka_unit_test(each_obstacle_has_a_name_and_a_text),
	};
	struct CMUnitTest tables[ROWS];
	int failed;

	for (size_t i = 0; i < ROWS; i++)
		tables[i] = (struct CMUnitTest){ .name = rows[i].name,
						 .test_func = a_row_holds,
						 .initial_state = (void *)(uintptr_t)&rows[i] };
	failed = cmocka_run_group_tests_name("truth tables", tables, NULL, NULL);
	return failed + cmocka_run_group_tests(others, NULL, NULL);
}
