/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory that comes and goes, also while queues run. */
#include "holdings.h"
#include "proto_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define EPOCH 31
#define DIMM_BYTES (2U << 20)
#define DIMM_BASE UINT64_C(0x100000000)

/* More memory for the guest, in a file of its own. */
struct dimm {
	int fd;
	struct vhost_user_region region;
};

static struct dimm dimm_new(uint64_t guest_addr)
{
	struct dimm dimm = {
		.fd = memfd_create("dimm", MFD_CLOEXEC | MFD_ALLOW_SEALING),
		.region = {
			.guest_addr = guest_addr,
			.size = DIMM_BYTES,
			.user_addr = 0x600000000000 + guest_addr,
		},
	};

	assert_true(dimm.fd >= 0);
	assert_int_equal(ftruncate(dimm.fd, DIMM_BYTES), 0);
	return dimm;
}

static uint64_t send_region(struct front_end *front_end, uint32_t request,
			    const struct vhost_user_region *region, int fd)
{
	struct vhost_user_mem_region message = { .region = *region };

	return front_end_ask(front_end, request, &message, sizeof(message), &fd, fd < 0 ? 0 : 1);
}

/* The table that QEMU sends after a DIMM was plugged in: all of it again. */
static void send_both(struct front_end *front_end, const struct dimm *dimm)
{
	struct vhost_user_region regions[] = { front_end->region, dimm->region };
	int fds[] = { front_end->memory_fd, dimm->fd };

	front_end_set_mem_table(front_end, regions, fds, 2);
	assert_false(front_end_refused(front_end));
}

static int balloon_set_up(void **state)
{
	running_set_up(state);
	balloon_driver_hello(*state, EPOCH, 0);
	assert_int_equal(balloon_driver_add(*state, 0, 8), 8);
	return 0;
}

#define BALLOON_TEST(name) cmocka_unit_test_setup_teardown(name, balloon_set_up, proto_tear_down)

static void memory_that_stays_keeps_its_balloon(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);
	uint64_t pages[16];

	send_both(front_end, &dimm);
	assert_int_equal(device_status(front_end).held_pages, 8);
	assert_int_equal(device_status(front_end).record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(balloon_driver_withdraw(front_end, 16, pages, 16), 8);
	close(dimm.fd);
}

/* Proves DEV-MEM-3. */
static void memory_that_is_added_belongs_to_the_guest(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	send_both(front_end, &dimm);
	assert_int_equal(device_status(front_end).memory_pages,
			 (GUEST_BYTES + DIMM_BYTES) / GUEST_PAGE);
	assert_int_equal(back_end_status(front_end).regions, 2);
	close(dimm.fd);
}

/* Proves DEV-MEM-4. */
static void memory_that_goes_takes_its_balloon_with_it(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	send_both(front_end, &dimm);
	front_end_set_mem_table(front_end, &dimm.region, &dimm.fd, 1);
	assert_false(front_end_refused(front_end));
	assert_int_equal(device_status(front_end).held_pages, 0);
	assert_int_equal(device_status(front_end).memory_pages, DIMM_BYTES / GUEST_PAGE);
	close(dimm.fd);
}

static void another_file_in_the_same_place_is_other_memory(void **state)
{
	struct front_end *front_end = *state;
	int other = memfd_create("other", MFD_CLOEXEC);

	assert_int_equal(ftruncate(other, GUEST_BYTES), 0);
	front_end_set_mem_table(front_end, &front_end->region, &other, 1);
	assert_int_equal(device_status(front_end).held_pages, 0);
	close(other);
}

static void the_same_file_at_another_offset_is_other_memory(void **state)
{
	struct front_end *front_end = *state;

	assert_int_equal(ftruncate(front_end->memory_fd, 2 * GUEST_BYTES), 0);
	front_end->region.mmap_offset = GUEST_BYTES;
	front_end_set_mem_table(front_end, &front_end->region, &front_end->memory_fd, 1);
	assert_int_equal(device_status(front_end).held_pages, 0);
}

static void a_queue_whose_memory_goes_stops_and_says_so(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	front_end_set_mem_table(front_end, &dimm.region, &dimm.fd, 1);
	assert_false(device_status(front_end).queue_running[1]);
	assert_non_null(back_end_status(front_end).memory_problem);
	assert_int_equal(device_status(front_end).violation, VBALLOON_OK);
	close(dimm.fd);
}

static void a_queue_whose_memory_comes_back_goes_on_where_it_was(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	front_end_set_mem_table(front_end, &dimm.region, &dimm.fd, 1);
	front_end_set_mem_table(front_end, &front_end->region, &front_end->memory_fd, 1);
	assert_null(back_end_status(front_end).memory_problem);
	assert_int_equal(balloon_driver_hello(front_end, EPOCH, 0), 0);
	close(dimm.fd);
}

static void memory_that_the_front_end_sees_elsewhere_is_the_same(void **state)
{
	struct front_end *front_end = *state;

	front_end->region.user_addr += GUEST_BYTES * 16;
	for (unsigned int i = 0; i < 2; i++)
		front_end_get_vring_base(front_end, i);
	front_end_set_mem_table(front_end, &front_end->region, &front_end->memory_fd, 1);
	assert_int_equal(device_status(front_end).held_pages, 8);
	front_end_new_ring(front_end, 1);
	front_end_start_queue(front_end, 1, 0);
	assert_int_equal(balloon_driver_hello(front_end, EPOCH, 0), 8);
}

static void a_file_behind_two_regions_is_measured_once(void **state)
{
	struct front_end *front_end = *state;
	struct vhost_user_region halves[] = { front_end->region, front_end->region };
	int fds[] = { front_end->memory_fd, front_end->memory_fd };

	for (unsigned int i = 0; i < 2; i++) {
		halves[i].size = GUEST_BYTES / 2;
		halves[i].guest_addr += i * GUEST_BYTES / 2;
		halves[i].user_addr += i * GUEST_BYTES / 2;
		halves[i].mmap_offset = i * GUEST_BYTES / 2;
	}
	front_end_set_mem_table(front_end, halves, fds, 2);
	assert_int_equal(back_end_status(front_end).backing_bytes,
			 front_end_memory_held(front_end));
	assert_int_equal(back_end_status(front_end).memory_bytes, GUEST_BYTES);
}

static void a_slot_is_added_while_queues_run(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	assert_int_equal(send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd), 0);
	assert_int_equal(device_status(front_end).memory_pages,
			 (GUEST_BYTES + DIMM_BYTES) / GUEST_PAGE);
	assert_int_equal(device_status(front_end).held_pages, 8);
	close(dimm.fd);
}

static void a_slot_is_removed_while_queues_run(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd);
	assert_int_equal(send_region(front_end, VHOST_USER_REM_MEM_REG, &dimm.region, -1), 0);
	assert_int_equal(device_status(front_end).memory_pages, GUEST_BYTES / GUEST_PAGE);
	assert_int_equal(device_status(front_end).held_pages, 8);
	close(dimm.fd);
}

static void a_slot_is_removed_also_with_a_descriptor_too_many(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);
	struct holdings before = holdings_now();

	send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd);
	assert_int_equal(send_region(front_end, VHOST_USER_REM_MEM_REG, &dimm.region, dimm.fd), 0);
	/* Neither that of the region stays open nor the one that came to remove it. */
	holdings_assert(before);
	close(dimm.fd);
}

static void a_slot_that_there_is_not_cannot_be_removed(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	assert_int_not_equal(send_region(front_end, VHOST_USER_REM_MEM_REG, &dimm.region, -1), 0);
	dimm.region = front_end->region;
	dimm.region.user_addr += GUEST_PAGE;
	assert_int_not_equal(send_region(front_end, VHOST_USER_REM_MEM_REG, &dimm.region, -1), 0);
	assert_false(front_end_refused(front_end));
	close(dimm.fd);
}

static void a_slot_over_another_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(GUEST_BASE + GUEST_BYTES - GUEST_PAGE);

	assert_int_not_equal(send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd),
			     0);
	assert_int_equal(front_end->outcome, -EPROTO);
	close(dimm.fd);
}

static void a_slot_that_comes_again_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	assert_int_equal(send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd), 0);
	assert_int_not_equal(send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd),
			     0);
	assert_int_equal(front_end->outcome, -EPROTO);
	close(dimm.fd);
}

static void a_slot_too_many_is_declined(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);
	uint64_t slots = front_end_get_u64(front_end, VHOST_USER_GET_MAX_MEM_SLOTS);

	dimm.region.size = GUEST_PAGE;
	for (uint64_t i = 1; i < slots; i++) {
		dimm.region.guest_addr += DIMM_BYTES;
		assert_int_equal(
			send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd), 0);
	}
	dimm.region.guest_addr += DIMM_BYTES;
	assert_int_not_equal(send_region(front_end, VHOST_USER_ADD_MEM_REG, &dimm.region, dimm.fd),
			     0);
	assert_false(front_end_refused(front_end));
	assert_int_equal(device_status(front_end).held_pages, 8);
	close(dimm.fd);
}

static void a_region_larger_than_its_file_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;

	front_end->region.size += GUEST_PAGE;
	front_end_set_mem_table(front_end, &front_end->region, &front_end->memory_fd, 1);
	assert_int_equal(front_end->outcome, -EPROTO);
	assert_non_null(strstr(vballoon_vhost_user_reason(front_end->back_end), "larger"));
}

static void regions_that_overlap_end_the_connection(void **state)
{
	struct front_end *front_end = *state;
	struct vhost_user_region regions[] = { front_end->region, front_end->region };
	int fds[] = { front_end->memory_fd, front_end->memory_fd };

	front_end_set_mem_table(front_end, regions, fds, 2);
	assert_int_equal(front_end->outcome, -EPROTO);
}

static void a_region_without_its_descriptor_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	struct {
		struct vhost_user_mem_table head;
		struct vhost_user_region region;
	} table = { .head.count = 1, .region = front_end->region };

	front_end_send(front_end, VHOST_USER_SET_MEM_TABLE, 0, &table, sizeof(table), NULL, 0);
	assert_int_equal(front_end->outcome, -EPROTO);
}

static void a_descriptor_without_its_region_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	struct vhost_user_mem_table empty = { .count = 0 };

	front_end_send(front_end, VHOST_USER_SET_MEM_TABLE, 0, &empty, sizeof(empty),
		       &front_end->memory_fd, 1);
	assert_int_equal(front_end->outcome, -EPROTO);
}

static void a_region_that_is_no_file_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;

	front_end_set_mem_table(front_end, &front_end->region, &front_end->queues[0].err, 1);
	assert_true(front_end->outcome < 0);
}

static void memory_that_may_not_be_written_is_left_out_and_named(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);

	assert_int_equal(fcntl(dimm.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	send_both(front_end, &dimm);
	assert_int_equal(device_status(front_end).memory_pages, GUEST_BYTES / GUEST_PAGE);
	assert_string_equal(back_end_status(front_end).memory_problem,
			    vballoon_reclaimable_text(VBALLOON_KEEP_SEALED));
	close(dimm.fd);
}

static void memory_behind_a_descriptor_that_only_reads_is_named(void **state)
{
	struct front_end *front_end = *state;
	struct dimm dimm = dimm_new(DIMM_BASE);
	int writer = dimm.fd;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", writer);
	dimm.fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(dimm.fd >= 0);
	send_both(front_end, &dimm);
	assert_int_equal(device_status(front_end).memory_pages, GUEST_BYTES / GUEST_PAGE);
	assert_string_equal(back_end_status(front_end).memory_problem,
			    vballoon_reclaimable_text(VBALLOON_KEEP_READ_ONLY));
	close(dimm.fd);
	close(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BALLOON_TEST(memory_that_stays_keeps_its_balloon),
		BALLOON_TEST(memory_that_is_added_belongs_to_the_guest),
		BALLOON_TEST(memory_that_goes_takes_its_balloon_with_it),
		BALLOON_TEST(another_file_in_the_same_place_is_other_memory),
		BALLOON_TEST(the_same_file_at_another_offset_is_other_memory),
		BALLOON_TEST(a_queue_whose_memory_goes_stops_and_says_so),
		BALLOON_TEST(a_queue_whose_memory_comes_back_goes_on_where_it_was),
		BALLOON_TEST(memory_that_the_front_end_sees_elsewhere_is_the_same),
		BALLOON_TEST(a_file_behind_two_regions_is_measured_once),
		BALLOON_TEST(a_slot_is_added_while_queues_run),
		BALLOON_TEST(a_slot_is_removed_while_queues_run),
		BALLOON_TEST(a_slot_is_removed_also_with_a_descriptor_too_many),
		BALLOON_TEST(a_slot_that_there_is_not_cannot_be_removed),
		BALLOON_TEST(a_slot_over_another_ends_the_connection),
		BALLOON_TEST(a_slot_that_comes_again_ends_the_connection),
		BALLOON_TEST(a_slot_too_many_is_declined),
		BALLOON_TEST(a_region_larger_than_its_file_ends_the_connection),
		BALLOON_TEST(regions_that_overlap_end_the_connection),
		BALLOON_TEST(a_region_without_its_descriptor_ends_the_connection),
		BALLOON_TEST(a_descriptor_without_its_region_ends_the_connection),
		BALLOON_TEST(a_region_that_is_no_file_ends_the_connection),
		BALLOON_TEST(memory_that_may_not_be_written_is_left_out_and_named),
		BALLOON_TEST(memory_behind_a_descriptor_that_only_reads_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
