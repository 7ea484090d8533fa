/* SPDX-License-Identifier: BSD-3-Clause */
/* What a table of regions refuses: what another process has left, and where it is asked to look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device_bed.h"
#include "vhost_user/memory_table.h"

#define AT (4 * GIB)
#define SEEN_AT UINT64_C(0x7f0000000000)
#define PAGE UINT64_C(4096)

static struct bed bed;
static struct vballoon_memory_table table;

static int set_up(void **state)
{
	(void)state;
	bed_init(&bed, 0);
	table = (struct vballoon_memory_table){ .page_shift = 12, .device = bed.device };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vballoon_memory_table_clear(&table);
	bed_destroy(&bed);
	return 0;
}

static int file_new(uint64_t bytes)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

/* A region of @bytes at AT + @behind. */
static struct vhost_user_region region_of(uint64_t behind, uint64_t bytes)
{
	return (struct vhost_user_region){
		.guest_addr = AT + behind,
		.size = bytes,
		.user_addr = SEEN_AT,
		.mmap_offset = behind,
	};
}

/* Returns the file, for what becomes of it. */
static int add(const struct vhost_user_region *region)
{
	const char *fault;
	int fd = file_new(MIB);

	assert_int_equal(vballoon_memory_table_add(&table, region, dup(fd), &fault), 0);
	return fd;
}

static int recover(uint64_t page_map_bytes)
{
	const struct vhost_user_region region = region_of(0, MIB);

	return vballoon_memory_table_recover(&table, &region, file_new(MIB),
					     file_new(page_map_bytes), 1);
}

static void a_page_map_of_another_length_is_not_recovered(void **state)
{
	(void)state;
	assert_int_equal(recover(1), -EINVAL);
	assert_int_equal(table.count, 0);
}

static void a_page_map_that_nobody_has_written_is_not_recovered(void **state)
{
	(void)state;
	assert_int_equal(recover(vballoon_page_map_bytes(vballoon_bytes(MIB), 12)), -EINVAL);
	assert_int_equal(table.count, 0);
}

static void what_the_device_has_not_is_not_zero(void **state)
{
	/* From within a page to within another. */
	const struct vhost_user_region region = region_of(PAGE / 2, 4 * PAGE);

	(void)state;
	close(add(&region));
	assert_true(vballoon_memory_table_is_zero(&table, SEEN_AT + PAGE / 2, PAGE));
	assert_false(vballoon_memory_table_is_zero(&table, SEEN_AT - 1, 1));
	assert_false(vballoon_memory_table_is_zero(&table, SEEN_AT, 1));
	assert_false(vballoon_memory_table_is_zero(&table, SEEN_AT + PAGE / 2, 4 * PAGE));
	assert_false(vballoon_memory_table_is_zero(&table, SEEN_AT + 4 * PAGE - 1, 1));
}

static void what_its_file_holds_no_more_is_not_zero(void **state)
{
	const struct vhost_user_region region = region_of(0, MIB);
	int fd = add(&region);

	(void)state;
	assert_true(vballoon_memory_table_is_zero(&table, SEEN_AT + PAGE, PAGE));
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_false(vballoon_memory_table_is_zero(&table, SEEN_AT + PAGE, PAGE));
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_page_map_of_another_length_is_not_recovered),
		CASE(a_page_map_that_nobody_has_written_is_not_recovered),
		CASE(what_the_device_has_not_is_not_zero),
		CASE(what_its_file_holds_no_more_is_not_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
