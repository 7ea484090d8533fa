/* SPDX-License-Identifier: BSD-3-Clause */
/* Giving memory back through its file: what is freed, and what never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vballoon/backing.h>

#define PAGE 4096U
#define PAGES 16U
#define HUGE_PAGE (2U << 20)
#define PATTERN 0xa5

/* A region behind which every page of a memfd is allocated and holds PATTERN. */
struct fixture {
	struct vballoon_backing backing;
	struct vballoon_region region;
	unsigned char *bytes;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	fixture.bytes = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(fixture.bytes, MAP_FAILED);
	memset(fixture.bytes, PATTERN, PAGES * PAGE);
	fixture.backing = (struct vballoon_backing){ .fd = fd };
	fixture.region = (struct vballoon_region){
		.size = vballoon_bytes(PAGES * PAGE),
		.host_page_shift = 12,
		.reclaimable = VBALLOON_RECLAIMABLE,
		.backing = &fixture.backing,
	};
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	munmap(fixture->bytes, PAGES * PAGE);
	close(fixture->backing.fd);
	return 0;
}

/* What the host holds of the file, in bytes. */
static uint64_t held_by_host(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static int drop(struct fixture *fixture, uint64_t offset, uint64_t len)
{
	return vballoon_reclaim_punch_hole.drop(NULL, &fixture->region, vballoon_bytes(offset),
						vballoon_bytes(len));
}

static int restore(struct fixture *fixture, uint64_t offset, uint64_t len)
{
	return vballoon_reclaim_punch_hole.restore(NULL, &fixture->region, vballoon_bytes(offset),
						   vballoon_bytes(len));
}

static void assert_untouched(const struct fixture *fixture)
{
	for (unsigned int i = 0; i < PAGES * PAGE; i++)
		assert_int_equal(fixture->bytes[i], PATTERN);
	assert_int_equal(held_by_host(fixture->backing.fd), PAGES * PAGE);
}

static void dropped_pages_go_back_to_the_host(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(drop(fixture, 4 * PAGE, 8 * PAGE), 0);
	assert_int_equal(held_by_host(fixture->backing.fd), (PAGES - 8) * PAGE);
}

static void the_neighbours_of_dropped_pages_keep_their_bytes(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(drop(fixture, 4 * PAGE, 8 * PAGE), 0);
	assert_int_equal(fixture->bytes[4 * PAGE - 1], PATTERN);
	assert_int_equal(fixture->bytes[4 * PAGE], 0);
	assert_int_equal(fixture->bytes[12 * PAGE - 1], 0);
	assert_int_equal(fixture->bytes[12 * PAGE], PATTERN);
}

static void the_offset_counts_from_where_the_region_begins_in_its_file(void **state)
{
	struct fixture *fixture = *state;

	fixture->backing.offset = 8 * PAGE;
	fixture->region.size = vballoon_bytes(8 * PAGE);
	assert_int_equal(drop(fixture, 0, PAGE), 0);
	assert_int_equal(fixture->bytes[0], PATTERN);
	assert_int_equal(fixture->bytes[8 * PAGE], 0);
}

static void an_offset_within_a_host_page_drops_nothing(void **state)
{
	assert_int_equal(drop(*state, 512, PAGE), -EINVAL);
	assert_untouched(*state);
}

static void a_length_within_a_host_page_drops_nothing(void **state)
{
	assert_int_equal(drop(*state, 0, PAGE + 512), -EINVAL);
	assert_untouched(*state);
}

static void small_pages_of_a_region_of_large_ones_are_not_dropped(void **state)
{
	struct fixture *fixture = *state;

	fixture->region.host_page_shift = 14;
	assert_int_equal(drop(fixture, PAGE, PAGE), -EINVAL);
	assert_untouched(fixture);
}

static void a_range_that_leaves_the_region_drops_nothing(void **state)
{
	assert_int_equal(drop(*state, (PAGES - 1) * PAGE, 2 * PAGE), -EINVAL);
	assert_untouched(*state);
}

static void a_range_that_wraps_drops_nothing(void **state)
{
	assert_int_equal(drop(*state, 2 * PAGE, UINT64_MAX - PAGE + 1), -EINVAL);
	assert_untouched(*state);
}

static void a_region_that_is_kept_is_not_dropped(void **state)
{
	struct fixture *fixture = *state;

	fixture->region.reclaimable = VBALLOON_KEEP_FILE;
	assert_int_equal(drop(fixture, 0, PAGE), -EINVAL);
	assert_untouched(fixture);
}

static void what_was_dropped_comes_back_though_its_region_is_kept_by_now(void **state)
{
	struct fixture *fixture = *state;

	fixture->backing.limited = true;
	assert_int_equal(drop(fixture, 0, 4 * PAGE), 0);
	fixture->region.reclaimable = VBALLOON_KEEP_ASKED;
	assert_int_equal(restore(fixture, 0, 4 * PAGE), 0);
	assert_int_equal(held_by_host(fixture->backing.fd), PAGES * PAGE);
}

static void what_the_host_refuses_is_told(void **state)
{
	struct fixture *fixture = *state;
	int fd = fixture->backing.fd;

	fixture->backing.fd = -1;
	assert_int_equal(drop(fixture, 0, PAGE), -EBADF);
	fixture->backing.fd = fd;
}

static void memory_without_a_limit_is_not_allocated_before_it_is_touched(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(drop(fixture, 0, 4 * PAGE), 0);
	assert_int_equal(restore(fixture, 0, 4 * PAGE), 1);
	assert_int_equal(held_by_host(fixture->backing.fd), (PAGES - 4) * PAGE);
}

static void limited_memory_is_allocated_before_it_is_handed_back(void **state)
{
	struct fixture *fixture = *state;

	fixture->backing.limited = true;
	assert_int_equal(drop(fixture, 0, 4 * PAGE), 0);
	assert_int_equal(restore(fixture, 0, 2 * PAGE), 0);
	assert_int_equal(held_by_host(fixture->backing.fd), (PAGES - 2) * PAGE);
}

#define HUGE_POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

/* Huge pages in the host's pool. */
static unsigned long huge_pool(void)
{
	FILE *file = fopen(HUGE_POOL, "re");
	unsigned long pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages;
}

/* As far as this process may: a pool that stays empty is as good a test. */
static void huge_pool_set(unsigned long pages)
{
	FILE *file = fopen(HUGE_POOL, "we");

	if (!file)
		return;
	fprintf(file, "%lu", pages);
	fclose(file);
}

static void a_restore_that_runs_out_of_huge_pages_holds_none(void **state)
{
	struct fixture *fixture = *state;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	struct fixture huge = {
		.backing = { .fd = fd, .limited = true },
		.region = fixture->region,
	};
	unsigned long before = huge_pool();
	uint64_t bytes;
	int ret;

	assert_true(fd >= 0);
	huge_pool_set(before + 1);
	/* Whatever the pool has, one more is too many. */
	bytes = (huge_pool() + 1) * (uint64_t)HUGE_PAGE;
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	huge.region.host_page_shift = 21;
	huge.region.size = vballoon_bytes(bytes);
	huge.region.backing = &huge.backing;
	ret = restore(&huge, 0, bytes);
	huge_pool_set(before);
	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(held_by_host(fd), 0);
	close(fd);
}

static int discard(const struct fixture *fixture, uint64_t offset, uint64_t len)
{
	return vballoon_reclaim_punch_hole.discard(NULL, &fixture->region, vballoon_bytes(offset),
						   vballoon_bytes(len));
}

static void reported_pages_go_back_and_read_as_zeros(void **state)
{
	struct fixture *fixture = *state;
	static const unsigned char zeros[PAGE];

	assert_true(vballoon_reclaim_punch_hole.zeroes);
	assert_int_equal(discard(fixture, PAGE, 2 * PAGE), 0);
	assert_int_equal(held_by_host(fixture->backing.fd), (PAGES - 2) * PAGE);
	assert_memory_equal(fixture->bytes + PAGE, zeros, PAGE);
}

/* Who touches it again might find none left. */
static void reported_pages_of_limited_memory_stay(void **state)
{
	struct fixture *fixture = *state;

	fixture->backing.limited = true;
	assert_int_equal(discard(fixture, 0, PAGE), -EOPNOTSUPP);
	assert_int_equal(held_by_host(fixture->backing.fd), PAGES * PAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dropped_pages_go_back_to_the_host),
		TEST(the_neighbours_of_dropped_pages_keep_their_bytes),
		TEST(the_offset_counts_from_where_the_region_begins_in_its_file),
		TEST(an_offset_within_a_host_page_drops_nothing),
		TEST(a_length_within_a_host_page_drops_nothing),
		TEST(small_pages_of_a_region_of_large_ones_are_not_dropped),
		TEST(a_range_that_leaves_the_region_drops_nothing),
		TEST(a_range_that_wraps_drops_nothing),
		TEST(a_region_that_is_kept_is_not_dropped),
		TEST(what_was_dropped_comes_back_though_its_region_is_kept_by_now),
		TEST(what_the_host_refuses_is_told),
		TEST(memory_without_a_limit_is_not_allocated_before_it_is_touched),
		TEST(limited_memory_is_allocated_before_it_is_handed_back),
		TEST(a_restore_that_runs_out_of_huge_pages_holds_none),
		TEST(reported_pages_go_back_and_read_as_zeros),
		TEST(reported_pages_of_limited_memory_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
