/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that points at memory which the host cannot provide: its device stops, and
 * no SIGBUS ends the process. */
#include "proto_test.h"

#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/le.h"

#define EPOCH 41
#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV
#define DIMM_BYTES (2U << 20)
#define DIMM_BASE UINT64_C(0x100000000)
#define DIMM_USER UINT64_C(0x600000000000)

/* A running guest with more memory, in a file of its own. Returns the file. */
static int plug_dimm(struct front_end *front_end, unsigned int memfd_flags)
{
	struct vhost_user_region regions[] = {
		front_end->region,
		{ .guest_addr = DIMM_BASE, .size = DIMM_BYTES, .user_addr = DIMM_USER },
	};
	int fds[] = { front_end->memory_fd, memfd_create("dimm", MFD_CLOEXEC | memfd_flags) };

	assert_true(fds[1] >= 0);
	assert_int_equal(ftruncate(fds[1], DIMM_BYTES), 0);
	front_end_set_mem_table(front_end, regions, fds, 2);
	assert_false(front_end_refused(front_end));
	balloon_driver_hello(front_end, EPOCH, 0);
	return fds[1];
}

/* The same when the file has lost its contents, and its length, since. */
static void plug_dimm_and_cut_it_off(struct front_end *front_end)
{
	int fd = plug_dimm(front_end, 0);

	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
}

static void post(struct front_end *front_end, const struct vballoon_driver_buffer *buffers,
		 unsigned int count)
{
	assert_int_equal(
		vballoon_driver_ring_post(&front_end->queues[TODEV].driver, buffers, count, 1), 0);
	front_end_kick(front_end, TODEV);
}

static const struct vballoon_driver_buffer in_the_dimm = { { DIMM_BASE + 4090 }, 16, false };

static void a_message_behind_the_end_of_a_file_stops_the_device(void **state)
{
	struct front_end *front_end = *state;

	plug_dimm_and_cut_it_off(front_end);
	post(front_end, &in_the_dimm, 1);
	assert_int_equal(device_status(front_end).violation, VBALLOON_DESC_OUTSIDE_MEMORY);
	assert_false(front_end_refused(front_end));
}

static void an_answer_behind_the_end_of_a_file_stops_the_device(void **state)
{
	const struct virtio_memory_balloon_hello hello = {
		.epoch = vballoon_le64(EPOCH),
		.unit_shift = vballoon_le32(12),
	};
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(GUEST_MESSAGES), sizeof(hello), false },
		{ vballoon_gpa(DIMM_BASE), 8, true },
	};
	struct front_end *front_end = *state;

	plug_dimm_and_cut_it_off(front_end);
	memcpy(front_end->memory + (GUEST_MESSAGES - GUEST_BASE), &hello, sizeof(hello));
	post(front_end, buffers, 2);
	assert_int_equal(device_status(front_end).violation, VBALLOON_DESC_OUTSIDE_MEMORY);
}

/* Proves DEV-MEM-10. */
static void a_queue_behind_the_end_of_a_file_stops_the_device(void **state)
{
	const struct vhost_user_vring_addr addr = {
		.index = FROMDEV,
		.desc = DIMM_USER,
		.avail = DIMM_USER + 4096,
		.used = DIMM_USER + 8192,
	};
	struct front_end *front_end = *state;

	plug_dimm_and_cut_it_off(front_end);
	front_end_send(front_end, VHOST_USER_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL, 0);
	front_end_kick(front_end, FROMDEV);
	assert_int_equal(device_status(front_end).violation, VBALLOON_RING_UNREADABLE);
	assert_false(front_end_refused(front_end));
}

/* With huge pages to spare it reads zeros, which are no message either.
 * Proves DEV-MEM-10. */
static void a_message_in_a_hole_without_a_huge_page_stops_the_device(void **state)
{
	struct front_end *front_end = *state;

	close(plug_dimm(front_end, MFD_HUGETLB | MFD_HUGE_2MB));
	post(front_end, &in_the_dimm, 1);
	assert_int_not_equal(device_status(front_end).violation, VBALLOON_OK);
	assert_false(front_end_refused(front_end));
}

static void the_log_tells_what_is_missing(void **state)
{
	struct front_end *front_end = *state;
	unsigned int lines;

	plug_dimm_and_cut_it_off(front_end);
	lines = front_end->log_lines;
	post(front_end, &in_the_dimm, 1);
	assert_int_equal(front_end->log_lines, lines + 2);
	assert_non_null(strstr(front_end->last_log, "the device has stopped"));
}

static void memory_that_is_there_is_not_doubted(void **state)
{
	struct front_end *front_end = *state;

	close(plug_dimm(front_end, 0));
	post(front_end, &in_the_dimm, 1);
	assert_int_equal(device_status(front_end).violation, VBALLOON_MESSAGE_SHORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING_TEST(a_message_behind_the_end_of_a_file_stops_the_device),
		RUNNING_TEST(an_answer_behind_the_end_of_a_file_stops_the_device),
		RUNNING_TEST(a_queue_behind_the_end_of_a_file_stops_the_device),
		RUNNING_TEST(a_message_in_a_hole_without_a_huge_page_stops_the_device),
		RUNNING_TEST(the_log_tells_what_is_missing),
		RUNNING_TEST(memory_that_is_there_is_not_doubted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
