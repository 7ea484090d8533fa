/* SPDX-License-Identifier: BSD-3-Clause */
/* fromdevq: what the device asks, and what it keeps while no buffer is posted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

/* Proves DEV-REQ-2, DEV-REQ-8. */
static void a_target_is_told_in_a_posted_buffer(void **state)
{
	struct bed *bed = *state;
	struct virtio_memory_balloon_req request;

	bed_post_request(bed);
	bed->interrupts[FROMDEV] = 0;
	assert_int_equal(vballoon_device_set_target(bed->device, 1000), 0);
	bed_run(bed);
	assert_true(bed_collect_request(bed, &request));
	assert_int_equal(vballoon_le64(request.value), 1000);
	assert_int_equal(request.flags, 0);
	assert_int_equal(bed->interrupts[FROMDEV], 1);
}

/* Proves DEV-REQ-3. */
static void without_a_buffer_only_the_newest_target_is_kept(void **state)
{
	struct bed *bed = *state;

	for (uint64_t target = 1; target <= 10; target++)
		vballoon_device_set_target(bed->device, target);
	bed_run(bed);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 10);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

/* Proves DEV-REQ-4. */
static void one_request_of_each_kind_is_kept(void **state)
{
	struct bed *bed = *state;

	vballoon_device_request_stats(bed->device);
	vballoon_device_set_target(bed->device, 3);
	vballoon_device_request_stats(bed->device);
	bed_run(bed);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 3);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

/* Proves DEV-REQ-10. */
static void a_target_above_the_guests_memory_is_out_of_range(void **state)
{
	struct bed *bed = *state;
	uint64_t memory = bed_status(bed).memory_pages;

	assert_int_equal(vballoon_device_set_target(bed->device, memory), 0);
	assert_int_equal(vballoon_device_set_target(bed->device, memory + 1), -ERANGE);
	assert_int_equal(bed_status(bed).target_pages, memory);
}

/* Proves DEV-REQ-7. */
static void a_target_waits_for_hello(void **state)
{
	struct bed *bed = *state;

	vballoon_device_reset(bed->device);
	vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1);
	vballoon_device_set_target(bed->device, 5);
	bed_start_queues(bed);
	bed_post_request(bed);
	bed_expect_no_request(bed);
	bed_hello(bed, BED_EPOCH, 12, 0);
	struct virtio_memory_balloon_req request;
	assert_true(bed_collect_request(bed, &request));
	assert_int_equal(vballoon_le64(request.value), 5);
}

/* Proves DEV-REQ-11. */
static void buffers_that_are_not_needed_are_left_to_the_driver(void **state)
{
	struct bed *bed = *state;

	for (unsigned int i = 0; i < 5; i++)
		bed_post_request(bed);
	bed_expect_no_request(bed);
	vballoon_device_set_target(bed->device, 1);
	bed_run(bed);
	assert_true(bed_collect_request(bed, &(struct virtio_memory_balloon_req){ 0 }));
	bed_expect_no_request(bed);
}

static void post_buffer(struct bed *bed, uint32_t len, bool device_writes)
{
	struct vballoon_driver_buffer buffer = { vballoon_gpa(GIB), len, device_writes };

	assert_int_equal(vballoon_driver_ring_post(&bed->rings[FROMDEV].driver, &buffer, 1, GIB),
			 0);
	vballoon_device_set_target(bed->device, 1);
	bed_run(bed);
}

/* Proves DEV-REQ-5. */
static void a_buffer_of_15_bytes_stops_the_device(void **state)
{
	struct bed *bed = *state;

	post_buffer(bed, 15, true);
	assert_int_equal(bed_status(bed).violation, VBALLOON_REQUEST_BUFFER);
	assert_int_equal(bed_status(bed).violation_queue, FROMDEV);
}

/* Proves DEV-REQ-6. */
static void a_buffer_to_read_stops_the_device(void **state)
{
	struct bed *bed = *state;

	post_buffer(bed, 16, false);
	assert_int_equal(bed_status(bed).violation, VBALLOON_REQUEST_BUFFER);
}

/* Proves DEV-REQ-6. */
static void a_buffer_with_a_part_to_read_stops_the_device(void **state)
{
	struct bed *bed = *state;
	struct vballoon_driver_buffer buffers[] = { { vballoon_gpa(GIB), 8, false },
						    { vballoon_gpa(GIB + 8), 16, true } };

	assert_int_equal(vballoon_driver_ring_post(&bed->rings[FROMDEV].driver, buffers, 2, GIB),
			 0);
	vballoon_device_set_target(bed->device, 1);
	bed_run(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_REQUEST_BUFFER);
}

/* Proves DEV-REQ-1. */
static void a_longer_buffer_is_filled_with_16_bytes(void **state)
{
	struct bed *bed = *state;

	post_buffer(bed, 4096, true);
	assert_true(bed_collect_request(bed, &(struct virtio_memory_balloon_req){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_target_is_told_in_a_posted_buffer,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(without_a_buffer_only_the_newest_target_is_kept,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(one_request_of_each_kind_is_kept,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_target_above_the_guests_memory_is_out_of_range,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_target_waits_for_hello, bed_set_up_settled,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(buffers_that_are_not_needed_are_left_to_the_driver,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_buffer_of_15_bytes_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_buffer_to_read_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_buffer_with_a_part_to_read_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_longer_buffer_is_filled_with_16_bytes,
						bed_set_up_settled, bed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
