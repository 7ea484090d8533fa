// SPDX-License-Identifier: BSD-3-Clause
/* Why pages that may be given back are not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define HUGE_AT (8 * GIB)
#define HUGE_PAGES 512

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_add_memory(&bed, HUGE_AT, 64 * MIB, 21);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

/* In all it is what the status says. */
static void assert_waiting(struct bed *bed, uint64_t soon, uint64_t partial, uint64_t failed)
{
	struct vballoon_waiting waiting;

	vballoon_device_waiting(bed->device, &waiting);
	assert_int_equal(waiting.soon_pages, soon);
	assert_int_equal(waiting.partial_pages, partial);
	assert_int_equal(waiting.failed_pages, failed);
	assert_int_equal(bed_status(bed).waiting_pages, soon + partial + failed);
}

static void what_was_dropped_does_not_wait(void **state)
{
	bed_add_pages(*state, AT, 100);
	bed_add_pages(*state, HUGE_AT, HUGE_PAGES);
	assert_waiting(*state, 0, 0, 0);
}

static void parts_of_host_pages_wait_for_the_rest(void **state)
{
	bed_add_pages(*state, HUGE_AT, HUGE_PAGES - 1);
	bed_add_pages(*state, HUGE_AT + 4 * MIB + 4096, 3);
	assert_waiting(*state, 0, HUGE_PAGES - 1 + 3, 0);
}

static void what_is_beside_whole_host_pages_is_a_part(void **state)
{
	struct bed *bed = *state;

	bed->drop_error = -EIO;
	bed_add_pages(bed, HUGE_AT + 2 * MIB - 4096, HUGE_PAGES + 2);
	assert_waiting(bed, 0, 2, HUGE_PAGES);
}

static void what_the_host_failed_to_drop_is_told_apart(void **state)
{
	struct bed *bed = *state;

	bed->drop_error = -EIO;
	bed_add_pages(bed, AT, 7);
	assert_waiting(bed, 0, 0, 7);
}

/* Post an ADD of a run of 4096 pages without letting the device run. */
static void post_run(struct bed *bed, uint64_t gpa)
{
	struct {
		struct virtio_memory_balloon_msg msg;
		__le64 page;
	} message = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD) },
		.page = vballoon_le64(gpa | 4095),
	};

	bed_post(bed, &message, sizeof(message), 1);
}

static void what_is_not_looked_through_yet_is_to_be_dropped_soon(void **state)
{
	struct bed *bed = *state;

	post_run(bed, AT);
	post_run(bed, AT + 16 * MIB);
	vballoon_device_run(bed->device);
	bed_pause(bed);
	assert_waiting(bed, 4096, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_dropped_does_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_of_host_pages_wait_for_the_rest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_beside_whole_host_pages_is_a_part, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_the_host_failed_to_drop_is_told_apart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_looked_through_yet_is_to_be_dropped_soon, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
