/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's beginnings, features, configuration space and queues. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB

/* What vballoon_device_init() says to this configuration. */
static int init_with(const struct vballoon_device_config *config)
{
	void *storage = malloc(vballoon_device_bytes());
	struct vballoon_device *device;
	int error;

	assert_non_null(storage);
	error = vballoon_device_init(storage, config, &device);
	free(storage);
	return error;
}

/* Proves DEV-CONF-3. */
static void a_page_shift_out_of_range_is_refused(void **state)
{
	struct bed *bed = *state;
	struct vballoon_device_config config = bed->config;

	config.page_shift = 11;
	assert_int_equal(init_with(&config), -EINVAL);
	config.page_shift = 31;
	assert_int_equal(init_with(&config), -EINVAL);
	config.page_shift = 30;
	assert_int_equal(init_with(&config), 0);
}

static void a_feature_that_the_library_does_not_have_is_refused(void **state)
{
	struct bed *bed = *state;
	struct vballoon_device_config config = bed->config;

	config.features = vballoon_device_features_max();
	assert_int_equal(init_with(&config), 0);
	config.features |= UINT64_C(1) << (VIRTIO_MEMORY_BALLOON_F_ZEROED + 1);
	assert_int_equal(init_with(&config), -EINVAL);
}

static void a_device_without_operations_is_refused(void **state)
{
	struct bed *bed = *state;
	struct vballoon_device_config config = bed->config;

	config.ops = NULL;
	assert_int_equal(init_with(&config), -EINVAL);
}

/* Proves DEV-FEAT-9. */
static void what_was_not_offered_cannot_be_accepted(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(vballoon_device_offered(bed->device), BED_RUNS | BED_VERSION_1);
	vballoon_device_reset(bed->device);
	assert_int_equal(vballoon_device_set_features(bed->device, BED_VERSION_1 | 1 << 28),
			 -EINVAL);
	assert_int_equal(vballoon_device_set_features(bed->device, BED_VERSION_1), 0);
}

/* Proves DEV-FEAT-2. */
static void version_1_must_be_accepted(void **state)
{
	struct bed *bed = *state;

	vballoon_device_reset(bed->device);
	assert_int_equal(vballoon_device_set_features(bed->device, BED_RUNS), -EINVAL);
}

static void features_do_not_change_while_a_queue_runs(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(vballoon_device_set_features(bed->device, BED_VERSION_1), -EBUSY);
	assert_int_equal(vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1), 0);
}

/* Proves DEV-CONF-2, DEV-CONF-4. */
static void the_configuration_space_is_page_shift_and_revision(void **state)
{
	struct bed *bed = *state;
	struct virtio_memory_balloon_config space;

	vballoon_device_config_space(bed->device, 0, &space, sizeof(space));
	assert_int_equal(vballoon_le32(space.page_shift), 12);
	assert_int_equal(vballoon_le32(space.revision), VIRTIO_MEMORY_BALLOON_REVISION);
}

/* Proves DEV-CONF-2. */
static void beyond_the_configuration_space_there_are_zeros(void **state)
{
	struct bed *bed = *state;
	unsigned char bytes[6] = { 1, 1, 1, 1, 1, 1 };

	vballoon_device_config_space(bed->device, 4, bytes, sizeof(bytes));
	assert_memory_equal(bytes, "\1\0\0\0\0\0", 6);
	vballoon_device_config_space(bed->device, UINT32_MAX, bytes, 1);
	assert_int_equal(bytes[0], 0);
}

/* What starting todevq says when its queue is this. */
static int start_with(struct bed *bed, struct vballoon_queue queue)
{
	vballoon_device_stop_queue(bed->device, TODEV, NULL);
	return vballoon_device_start_queue(bed->device, TODEV, &queue);
}

static void a_queue_of_a_bad_size_or_alignment_is_refused(void **state)
{
	struct bed *bed = *state;
	struct vballoon_queue queue = bed->rings[TODEV].queue;

	queue.size = 0;
	assert_int_equal(start_with(bed, queue), -EINVAL);
	queue.size = 48;
	assert_int_equal(start_with(bed, queue), -EINVAL);
	queue.size = 2 * VBALLOON_QUEUE_SIZE_MAX;
	assert_int_equal(start_with(bed, queue), -EINVAL);
	queue = bed->rings[TODEV].queue;
	queue.desc.value += 8;
	assert_int_equal(start_with(bed, queue), -EINVAL);
	queue = bed->rings[TODEV].queue;
	queue.avail.value += 1;
	assert_int_equal(start_with(bed, queue), -EINVAL);
	queue = bed->rings[TODEV].queue;
	queue.used.value += 2;
	assert_int_equal(start_with(bed, queue), -EINVAL);
	assert_int_equal(start_with(bed, bed->rings[TODEV].queue), 0);
}

/* Proves DEV-CONF-1. */
static void there_is_no_third_queue(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(vballoon_device_start_queue(bed->device, 2, &bed->rings[0].queue),
			 -EINVAL);
	assert_int_equal(vballoon_device_stop_queue(bed->device, 2, NULL), -EINVAL);
}

static void a_running_queue_is_not_started_again(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(vballoon_device_start_queue(bed->device, TODEV, &bed->rings[TODEV].queue),
			 -EBUSY);
}

/* Proves DEV-RING-16. */
static void a_queue_outside_memory_stops_the_device(void **state)
{
	struct bed *bed = *state;
	struct vballoon_queue queue = bed->rings[TODEV].queue;

	queue.desc = vballoon_gpa(0);
	assert_int_equal(start_with(bed, queue), 0);
	assert_int_equal(bed->stops, 0);
	bed_run(bed);
	assert_int_equal(bed->stops, 1);
	assert_int_equal(bed_status(bed).violation, VBALLOON_RING_UNREADABLE);
	assert_int_equal(bed_status(bed).violation_queue, TODEV);
}

static int say_invalid(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	(void)gpa;
	(void)len;
	return -EINVAL;
}

/* Whatever the embedder says of memory, it is not about what the queue is. */
static void a_queue_that_cannot_be_written_to_stops_the_device(void **state)
{
	struct bed *bed = *state;

	bed->hooks.before_write = say_invalid;
	assert_int_equal(start_with(bed, bed->rings[TODEV].queue), 0);
	bed_run(bed);
	assert_int_equal(bed->stops, 1);
	assert_int_equal(bed_status(bed).violation, VBALLOON_RING_UNREADABLE);
	assert_int_equal(bed_status(bed).violation_queue, TODEV);
}

/* Proves DEV-RING-16. */
static void a_queue_outside_memory_is_not_forgotten_when_the_other_starts(void **state)
{
	struct bed *bed = *state;
	struct vballoon_queue outside = bed->rings[FROMDEV].queue;

	outside.desc = vballoon_gpa(0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vballoon_device_stop_queue(bed->device, i, NULL), 0);
	assert_int_equal(vballoon_device_start_queue(bed->device, FROMDEV, &outside), 0);
	assert_int_equal(vballoon_device_start_queue(bed->device, TODEV, &bed->rings[TODEV].queue),
			 0);
	bed_run(bed);
	assert_int_equal(bed->stops, 1);
	assert_int_equal(bed_status(bed).violation, VBALLOON_RING_UNREADABLE);
	assert_int_equal(bed_status(bed).violation_queue, FROMDEV);
	/* Nor when an operator wants it to go on. */
	vballoon_device_restart(bed->device);
	assert_int_equal(bed_status(bed).violation, VBALLOON_RING_UNREADABLE);
	assert_int_equal(vballoon_device_stop_queue(bed->device, FROMDEV, NULL), 0);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
}

/* Proves DEV-RING-2. */
static void a_queue_that_could_not_start_goes_on_where_it_was_to(void **state)
{
	struct bed *bed = *state;
	struct vballoon_queue queue = bed->rings[TODEV].queue;
	uint32_t next = 0;

	bed_add_pages(bed, AT, 1); /* the queue has been somewhere else before */
	queue.next = 0x72b;
	queue.desc = vballoon_gpa(0);
	assert_int_equal(vballoon_device_stop_queue(bed->device, TODEV, NULL), 0);
	assert_int_equal(vballoon_device_start_queue(bed->device, TODEV, &queue), 0);
	assert_false(bed_status(bed).queue_running[TODEV]);
	assert_int_equal(vballoon_device_stop_queue(bed->device, TODEV, &next), 0);
	assert_int_equal(next, 0x72b);
}

static void a_queue_that_never_ran_goes_on_where_its_format_begins(void **state)
{
	const uint64_t packed = UINT64_C(1) << 34;
	struct bed *bed = *state;
	struct vballoon_device_config config = bed->config;
	void *storage = malloc(vballoon_device_bytes());
	struct vballoon_device *device;
	uint32_t next = 1;

	assert_non_null(storage);
	config.features |= packed;
	config.journal = NULL;
	assert_int_equal(vballoon_device_init(storage, &config, &device), 0);
	assert_int_equal(vballoon_device_stop_queue(device, TODEV, &next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(vballoon_device_set_features(device, BED_VERSION_1 | packed), 0);
	assert_int_equal(vballoon_device_stop_queue(device, TODEV, &next), 0);
	assert_int_equal(next, VBALLOON_QUEUE_FIRST_PACKED);
	free(storage);
}

/* Proves DEV-RING-2. */
static void a_stopped_queue_is_not_consumed_and_goes_on_where_it_was(void **state)
{
	struct bed *bed = *state;
	unsigned char message[16] = { VIRTIO_MEMORY_BALLOON_MSG_ADD, [8 + 3] = 0x40 };
	struct vballoon_queue queue = bed->rings[TODEV].queue;
	uint8_t verdict;

	bed_add_pages(bed, AT + MIB, 1);
	vballoon_device_stop_queue(bed->device, TODEV, &queue.next);
	bed_post(bed, message, sizeof(message), 1);
	bed_run(bed);
	assert_true(bed_silent(bed));
	assert_int_equal(vballoon_device_start_queue(bed->device, TODEV, &queue), 0);
	bed_run(bed);
	assert_int_equal(bed_collect(bed, &verdict, 1), 1);
	assert_int_equal(verdict, VIRTIO_MEMORY_BALLOON_ACCEPTED);
	assert_int_equal(bed_status(bed).held_pages, 2);
}

/* Proves DEV-RING-1, DEV-MSG-13. */
static void a_full_queue_is_answered_in_order_with_one_interrupt(void **state)
{
	struct bed *bed = *state;
	uint8_t verdict;

	for (unsigned int i = 0; i < 6; i++) {
		unsigned char message[16] = { VIRTIO_MEMORY_BALLOON_MSG_ADD,
					      [8 + 3] = i % 2 ? 0x40 : 0x10 };

		bed_post(bed, message, sizeof(message), 1);
	}
	bed->interrupts[TODEV] = 0;
	bed_run(bed);
	assert_int_equal(bed->interrupts[TODEV], 1);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(bed_collect(bed, &verdict, 1), 1);
		assert_int_equal(verdict, i % 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_page_shift_out_of_range_is_refused, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(a_feature_that_the_library_does_not_have_is_refused,
						bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_device_without_operations_is_refused, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_offered_cannot_be_accepted, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(version_1_must_be_accepted, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(features_do_not_change_while_a_queue_runs,
						bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(the_configuration_space_is_page_shift_and_revision,
						bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(beyond_the_configuration_space_there_are_zeros,
						bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_queue_of_a_bad_size_or_alignment_is_refused,
						bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(there_is_no_third_queue, bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_running_queue_is_not_started_again, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_queue_that_never_ran_goes_on_where_its_format_begins, bed_set_up,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_queue_that_could_not_start_goes_on_where_it_was_to, bed_set_up,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_queue_outside_memory_is_not_forgotten_when_the_other_starts, bed_set_up,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(a_queue_outside_memory_stops_the_device, bed_set_up,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(a_queue_that_cannot_be_written_to_stops_the_device,
						bed_set_up, bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_stopped_queue_is_not_consumed_and_goes_on_where_it_was, bed_set_up,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_queue_is_answered_in_order_with_one_interrupt, bed_set_up,
			bed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
