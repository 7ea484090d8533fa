/* SPDX-License-Identifier: BSD-3-Clause */
/* How a region that a front end sends becomes memory that the device knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vballoon/device.h>

#include "vhost_user/slot.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define FILE_BYTES (8 * MIB)

static int file_new(unsigned int flags)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
	return fd;
}

static struct vhost_user_region region_of(uint64_t guest_addr, uint64_t size, uint64_t offset)
{
	return (struct vhost_user_region){
		.guest_addr = guest_addr,
		.size = size,
		.user_addr = 0x7f0000000000,
		.mmap_offset = offset,
	};
}

static struct vballoon_slot *slot_of(int fd, struct vhost_user_region wire, uint32_t page_shift)
{
	struct vballoon_slot *slot = NULL;
	const char *fault;

	assert_int_equal(vballoon_slot_new(&wire, fd, page_shift, &slot, &fault), 0);
	assert_null(fault);
	return slot;
}

static void a_region_is_mapped_from_its_place_in_the_file(void **state)
{
	int fd = file_new(0);
	struct vballoon_slot *slot;
	char byte;

	(void)state;
	slot = slot_of(dup(fd), region_of(16 * MIB, 2 * MIB, 4 * MIB), 12);
	strcpy(slot->region.host, "x");
	assert_int_equal(pread(fd, &byte, 1, 4 * MIB), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(slot->region.gpa.value, 16 * MIB);
	assert_int_equal(slot->region.size.value, 2 * MIB);
	assert_int_equal(slot->backing.offset, 4 * MIB);
	vballoon_slot_free(slot);
	close(fd);
}

static void the_page_map_is_as_large_as_the_device_wants_it(void **state)
{
	struct vballoon_slot *slot = slot_of(file_new(0), region_of(0, 2 * MIB, 0), 12);

	(void)state;
	assert_int_equal(slot->region.page_map_bytes,
			 vballoon_page_map_bytes(vballoon_bytes(2 * MIB), 12));
	memset(slot->region.page_map, 0xff, slot->region.page_map_bytes);
	vballoon_slot_free(slot);
}

static void the_page_map_cannot_be_cut_off(void **state)
{
	struct vballoon_slot *slot = slot_of(file_new(0), region_of(0, 2 * MIB, 0), 12);

	(void)state;
	assert_int_equal(ftruncate(slot->page_map_fd, 0), -1);
	vballoon_slot_free(slot);
}

/* A touch would end the process, where the host has no memory by then. */
static void the_page_map_is_there_before_it_is_touched(void **state)
{
	struct vballoon_slot *slot = slot_of(file_new(0), region_of(0, 2 * MIB, 0), 12);
	struct stat st;

	(void)state;
	assert_int_equal(fstat(slot->page_map_fd, &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 >= slot->region.page_map_bytes);
	vballoon_slot_free(slot);
}

static void what_is_less_than_a_balloon_page_is_cut_away(void **state)
{
	int fd = file_new(0);
	struct vballoon_slot *slot;
	char byte;

	(void)state;
	slot = slot_of(dup(fd), region_of(768 * KIB, 5 * MIB, 768 * KIB), 21);
	assert_int_equal(slot->region.gpa.value, 2 * MIB);
	assert_int_equal(slot->region.size.value, 2 * MIB);
	assert_int_equal(slot->backing.offset, 2 * MIB);
	strcpy(slot->region.host, "x");
	assert_int_equal(pread(fd, &byte, 1, 2 * MIB), 1);
	assert_int_equal(byte, 'x');
	vballoon_slot_free(slot);
	close(fd);
}

static void a_region_smaller_than_a_balloon_page_is_nothing_to_the_device(void **state)
{
	struct vballoon_slot *slot = slot_of(file_new(0), region_of(0, 640 * KIB, 0), 21);

	(void)state;
	assert_null(slot->region.page_map);
	vballoon_slot_free(slot);
}

static void a_region_that_begins_within_a_huge_page_is_mapped_and_kept(void **state)
{
	int fd = file_new(MFD_HUGETLB | MFD_HUGE_2MB);
	struct vballoon_slot *slot = slot_of(fd, region_of(768 * KIB, 4 * MIB, 768 * KIB), 12);

	(void)state;
	assert_ptr_equal(slot->region.host, (char *)slot->map + 768 * KIB);
	assert_int_equal(slot->map_bytes, 6 * MIB);
	assert_int_equal(slot->region.reclaimable, VBALLOON_KEEP_MISALIGNED);
	vballoon_slot_free(slot);
}

static void a_region_of_whole_huge_pages_is_given_back_in_them(void **state)
{
	int fd = file_new(MFD_HUGETLB | MFD_HUGE_2MB);
	struct vballoon_slot *slot = slot_of(fd, region_of(0, 4 * MIB, 2 * MIB), 12);

	(void)state;
	assert_int_equal(slot->region.reclaimable, VBALLOON_RECLAIMABLE);
	assert_int_equal(slot->region.host_page_shift, 21);
	assert_true(slot->backing.limited);
	vballoon_slot_free(slot);
}

static void memory_that_may_not_be_written_is_no_memory_to_the_device(void **state)
{
	int fd = file_new(0);
	struct vballoon_slot *slot;

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	slot = slot_of(fd, region_of(0, 2 * MIB, 0), 12);
	assert_null(slot->map);
	assert_null(slot->region.page_map);
	assert_int_equal(slot->probed, VBALLOON_KEEP_SEALED);
	vballoon_slot_free(slot);
}

static void a_region_that_its_file_does_not_hold_is_refused(void **state)
{
	struct vhost_user_region wire = region_of(0, FILE_BYTES, 4 * KIB);
	struct vballoon_slot *slot;
	const char *fault = NULL;

	(void)state;
	assert_int_equal(vballoon_slot_new(&wire, file_new(0), 12, &slot, &fault), -EPROTO);
	assert_non_null(fault);
}

static void the_same_part_of_the_same_file_is_the_same_slot(void **state)
{
	int fd = file_new(0);
	struct vhost_user_region wire = region_of(0, 2 * MIB, 0);
	struct vballoon_slot *slot = slot_of(dup(fd), wire, 12);

	(void)state;
	wire.user_addr += 64 * MIB;
	assert_true(vballoon_slot_is(slot, &wire, fd));
	wire.mmap_offset = 2 * MIB;
	assert_false(vballoon_slot_is(slot, &wire, fd));
	vballoon_slot_free(slot);
	close(fd);
}

static void another_file_is_another_slot(void **state)
{
	struct vhost_user_region wire = region_of(0, 2 * MIB, 0);
	struct vballoon_slot *slot = slot_of(file_new(0), wire, 12);
	int other = file_new(0);

	(void)state;
	assert_false(vballoon_slot_is(slot, &wire, other));
	vballoon_slot_free(slot);
	close(other);
}

/* The flags of the mapping at an address, as the kernel prints them. */
static void mapping_flags(const void *address, char *flags, size_t size)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	char start[32];
	bool inside = false;

	assert_non_null(smaps);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)address);
	while (fgets(flags, (int)size, smaps)) {
		inside = inside || !strncmp(flags, start, strlen(start));
		if (inside && !strncmp(flags, "VmFlags:", 8))
			break;
	}
	fclose(smaps);
}

static void guest_memory_is_in_no_core_dump(void **state)
{
	struct vballoon_slot *slot = slot_of(file_new(0), region_of(0, FILE_BYTES, 0), 12);
	char flags[256];

	(void)state;
	mapping_flags(slot->map, flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd"));
	vballoon_slot_free(slot);
}

static void no_memory_is_taken_by_mapping(void **state)
{
	int fd = file_new(0);
	struct vballoon_slot *slot = slot_of(dup(fd), region_of(0, FILE_BYTES, 0), 12);
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_blocks, 0);
	vballoon_slot_free(slot);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_region_is_mapped_from_its_place_in_the_file),
		cmocka_unit_test(the_page_map_is_as_large_as_the_device_wants_it),
		cmocka_unit_test(the_page_map_cannot_be_cut_off),
		cmocka_unit_test(the_page_map_is_there_before_it_is_touched),
		cmocka_unit_test(what_is_less_than_a_balloon_page_is_cut_away),
		cmocka_unit_test(a_region_smaller_than_a_balloon_page_is_nothing_to_the_device),
		cmocka_unit_test(a_region_that_begins_within_a_huge_page_is_mapped_and_kept),
		cmocka_unit_test(a_region_of_whole_huge_pages_is_given_back_in_them),
		cmocka_unit_test(memory_that_may_not_be_written_is_no_memory_to_the_device),
		cmocka_unit_test(a_region_that_its_file_does_not_hold_is_refused),
		cmocka_unit_test(the_same_part_of_the_same_file_is_the_same_slot),
		cmocka_unit_test(another_file_is_another_slot),
		cmocka_unit_test(guest_memory_is_in_no_core_dump),
		cmocka_unit_test(no_memory_is_taken_by_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
