/* SPDX-License-Identifier: BSD-3-Clause */
/* What the portable driver is made of, and which devices it leaves alone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "port_liar.h"
#include "port_machine.h"

static struct port_guest guest;

static int set_up(void **state)
{
	port_guest_prepare(&guest, ~UINT64_C(0), 12);
	*state = &guest;
	return 0;
}

static int tear_down(void **state)
{
	port_guest_destroy(*state);
	return 0;
}

static int init(const struct port_guest *g)
{
	struct vballoon_guest *driver;

	return vballoon_guest_init(guest.storage, &g->config, &driver);
}

static void a_whole_configuration_will_do(void **state)
{
	assert_int_equal(init(*state), 0);
}

static void touches_no_device(void **state)
{
	struct port_guest *g = *state;

	assert_int_equal(init(g), 0);
	assert_int_equal(g->resets + g->starts + g->gets, 0);
}

static void each_operation_but_stats_is_needed(void **state)
{
	struct port_guest *g = *state;
	const struct vballoon_guest_ops all = *g->config.ops;
	struct vballoon_guest_ops ops = all;

	g->config.ops = &ops;
	ops.stats = NULL;
	assert_int_equal(init(g), 0);
#define WITHOUT(name)                                                                              \
	do {                                                                                       \
		ops = all;                                                                         \
		ops.name = NULL;                                                                   \
		assert_int_equal(init(g), -EINVAL);                                                \
	} while (0)
	WITHOUT(get_page);
	WITHOUT(return_page);
	WITHOUT(reset);
	WITHOUT(start);
	WITHOUT(notify);
	WITHOUT(random64);
#undef WITHOUT
	g->config.ops = NULL;
	assert_int_equal(init(g), -EINVAL);
}

/* A configuration with one field changed. */
#define REFUSES(name, change, error)                                                               \
	static void name(void **state)                                                             \
	{                                                                                          \
		struct port_guest *g = *state;                                                     \
                                                                                                   \
		change;                                                                            \
		assert_int_equal(init(g), error);                                                  \
	}

REFUSES(memory_to_share_is_needed, g->config.shared = NULL, -EINVAL)
REFUSES(shared_memory_is_aligned_to_16, g->config.shared = (char *)g->config.shared + 8, -EINVAL)
REFUSES(its_address_is_aligned_to_16, g->config.shared_gpa.value += 8, -EINVAL)
REFUSES(ranges_are_needed, g->config.ranges = NULL, -EINVAL)
REFUSES(at_least_one_range_is_needed, g->config.range_count = 0, -EINVAL)
REFUSES(a_range_has_a_bitmap, g->ranges[1].held = NULL, -EINVAL)
REFUSES(a_range_has_a_size, g->ranges[1].size.value = 0, -EINVAL)
REFUSES(a_range_begins_with_a_unit, g->ranges[1].gpa.value += 2048, -EINVAL)
REFUSES(a_range_ends_with_a_unit, g->ranges[1].size.value -= 2048, -EINVAL)
REFUSES(a_range_does_not_wrap, g->ranges[1].gpa.value = ~UINT64_C(0xfff), -EINVAL)
REFUSES(a_unit_of_two_gib_is_too_large, g->config.unit_shift = 31, -EINVAL)
REFUSES(a_unit_of_two_kib_is_too_small, g->config.unit_shift = 11, -EINVAL)
REFUSES(pages_of_two_kib_are_left_alone, g->config.page_shift = 11, -ENODEV)
REFUSES(no_fromdevq_is_too_little, g->config.queue_size[0] = 0, -ENODEV)
REFUSES(a_todevq_of_seven_is_too_small, g->config.queue_size[1] = 7, -ENODEV)

/* Proves DRV-CONF-1. */
static void another_revision_is_left_alone(void **state)
{
	struct port_guest *g = *state;

	g->config.revision = 2;
	assert_int_equal(init(g), -ENODEV);
}

/* Proves DRV-CONF-2. */
static void pages_above_a_unit_are_left_alone(void **state)
{
	struct port_guest *g = *state;

	g->config.page_shift = 13;
	assert_int_equal(init(g), -ENODEV);
}

/* Proves DRV-FEAT-1. */
static void a_legacy_device_is_left_alone(void **state)
{
	struct port_guest *g = *state;

	g->config.offered &= ~PORT_VERSION_1;
	assert_int_equal(init(g), -ENODEV);
}

/* Proves DRV-FEAT-2, DRV-FEAT-6. */
static void accepts_what_it_can_and_no_more(void **state)
{
	static struct port_liar liar;
	uint64_t features;

	(void)state;
	port_liar_init(&liar, ~UINT64_C(0), 12);
	features = port_guest_status(&liar.guest).features;
	port_liar_destroy(&liar);
	/* VERSION_1, EVENT_IDX, RING_PACKED, IN_ORDER; not INDIRECT_DESC, not ACCESS_PLATFORM. */
	assert_true(features & UINT64_C(1) << 32);
	assert_true(features & UINT64_C(1) << 29);
	assert_true(features & UINT64_C(1) << 34);
	assert_true(features & UINT64_C(1) << 35);
	assert_false(features & UINT64_C(1) << 28);
	assert_false(features & UINT64_C(1) << 33);
	assert_true(features & UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
}

/* Proves DRV-FEAT-3. */
static void accepts_nothing_that_the_guest_does_not_want(void **state)
{
	static struct port_machine machine;
	struct port_machine *m = &machine;

	(void)state;
	port_machine_init(m, vballoon_device_features_max(), 12);
	m->guest.config.features = 0;
	port_machine_start(m);
	assert_int_equal(port_guest_status(&m->guest).features, PORT_VERSION_1);
	port_machine_target(m, 10);
	port_machine_expect(m, 10);
	port_machine_destroy(m);
}

static void works_with_the_smallest_queues(void **state)
{
	static struct port_machine machine;
	struct port_machine *m = &machine;

	(void)state;
	port_machine_init(m, vballoon_device_features_max(), 12);
	m->guest.config.queue_size[0] = VBALLOON_GUEST_FROMDEV_MIN;
	m->guest.config.queue_size[1] = VBALLOON_GUEST_TODEV_MIN;
	port_machine_start(m);
	assert_int_equal(m->queues[0].size, 1);
	assert_int_equal(m->queues[1].size, 8);
	port_machine_target(m, 768);
	port_machine_expect(m, 768);
	port_machine_target(m, 0);
	port_machine_expect(m, 0);
	port_machine_destroy(m);
}

static void a_device_that_cannot_be_started_is_a_failure(void **state)
{
	static struct port_machine machine;
	struct port_machine *m = &machine;

	(void)state;
	port_machine_init(m, 0, 12);
	m->guest.start_error = -EIO;
	port_machine_start(m);
	assert_int_equal(port_guest_status(&m->guest).state, VBALLOON_GUEST_FAILED);
	assert_int_equal(port_guest_status(&m->guest).failure, VBALLOON_GUEST_CANNOT_START);
	assert_int_equal(m->guest.wait_ms, VBALLOON_GUEST_FOREVER);
	port_machine_destroy(m);
}

static void each_failure_has_a_sentence_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VBALLOON_GUEST_FAILURE_COUNT; i++) {
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(vballoon_guest_failure_text(i),
						vballoon_guest_failure_text(j));
	}
}

#define INIT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INIT_TEST(a_whole_configuration_will_do),
		INIT_TEST(touches_no_device),
		INIT_TEST(each_operation_but_stats_is_needed),
		INIT_TEST(memory_to_share_is_needed),
		INIT_TEST(shared_memory_is_aligned_to_16),
		INIT_TEST(its_address_is_aligned_to_16),
		INIT_TEST(ranges_are_needed),
		INIT_TEST(at_least_one_range_is_needed),
		INIT_TEST(a_range_has_a_bitmap),
		INIT_TEST(a_range_has_a_size),
		INIT_TEST(a_range_begins_with_a_unit),
		INIT_TEST(a_range_ends_with_a_unit),
		INIT_TEST(a_range_does_not_wrap),
		INIT_TEST(a_unit_of_two_gib_is_too_large),
		INIT_TEST(a_unit_of_two_kib_is_too_small),
		INIT_TEST(another_revision_is_left_alone),
		INIT_TEST(pages_above_a_unit_are_left_alone),
		INIT_TEST(pages_of_two_kib_are_left_alone),
		INIT_TEST(a_legacy_device_is_left_alone),
		INIT_TEST(no_fromdevq_is_too_little),
		INIT_TEST(a_todevq_of_seven_is_too_small),
		cmocka_unit_test(accepts_what_it_can_and_no_more),
		cmocka_unit_test(accepts_nothing_that_the_guest_does_not_want),
		cmocka_unit_test(works_with_the_smallest_queues),
		cmocka_unit_test(a_device_that_cannot_be_started_is_a_failure),
		cmocka_unit_test(each_failure_has_a_sentence_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
