/* SPDX-License-Identifier: BSD-3-Clause */
/* What a vhost-user message may say, judged by its bytes alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "vhost_user/codec.h"

#define MIB (UINT64_C(1) << 20)

struct mem_table {
	struct vhost_user_mem_table head;
	struct vhost_user_region regions[VHOST_USER_FDS_MAX + 1];
};

static struct vhost_user_region region_at(uint64_t guest_addr)
{
	return (struct vhost_user_region){
		.guest_addr = guest_addr,
		.size = MIB,
		.user_addr = 0x7f0000000000 + guest_addr,
		.mmap_offset = guest_addr,
	};
}

static struct mem_table table_of(uint32_t count)
{
	struct mem_table table = { .head.count = count };

	for (uint32_t i = 0; i < count; i++)
		table.regions[i] = region_at(i * MIB);
	return table;
}

static const char *parse(const struct mem_table *table, size_t size)
{
	struct vhost_user_region regions[VHOST_USER_FDS_MAX];
	unsigned int count;

	return vballoon_codec_mem_table(table, size, regions, &count);
}

static size_t table_bytes(uint32_t count)
{
	return sizeof(struct vhost_user_mem_table) + count * sizeof(struct vhost_user_region);
}

static void a_header_of_this_version_is_taken(void **state)
{
	struct vhost_user_header header = { VHOST_USER_SET_FEATURES, VHOST_USER_VERSION, 8 };

	(void)state;
	assert_null(vballoon_codec_check_header(&header));
}

static void a_header_of_another_version_is_refused(void **state)
{
	struct vhost_user_header header = { VHOST_USER_SET_FEATURES, 2, 8 };

	(void)state;
	assert_non_null(vballoon_codec_check_header(&header));
}

static void a_reply_where_a_request_belongs_is_refused(void **state)
{
	struct vhost_user_header header = { VHOST_USER_SET_FEATURES,
					    VHOST_USER_VERSION | VHOST_USER_REPLY, 8 };

	(void)state;
	assert_non_null(vballoon_codec_check_header(&header));
}

static void a_payload_without_end_is_refused(void **state)
{
	struct vhost_user_header header = { VHOST_USER_SET_FEATURES, VHOST_USER_VERSION,
					    VBALLOON_PAYLOAD_MAX + 1 };

	(void)state;
	assert_non_null(vballoon_codec_check_header(&header));
}

static void an_empty_region_is_refused(void **state)
{
	struct vhost_user_region region = region_at(0);

	(void)state;
	region.size = 0;
	assert_non_null(vballoon_codec_check_region(&region));
}

static void a_region_whose_guest_addresses_wrap_is_refused(void **state)
{
	struct vhost_user_region region = region_at(0);

	(void)state;
	region.guest_addr = UINT64_MAX - MIB + 1;
	assert_non_null(vballoon_codec_check_region(&region));
}

static void a_region_whose_user_addresses_wrap_is_refused(void **state)
{
	struct vhost_user_region region = region_at(0);

	(void)state;
	region.user_addr = UINT64_MAX - MIB + 1;
	assert_non_null(vballoon_codec_check_region(&region));
}

static void a_region_whose_place_in_the_file_wraps_is_refused(void **state)
{
	struct vhost_user_region region = region_at(0);

	(void)state;
	region.mmap_offset = UINT64_MAX - MIB + 1;
	assert_non_null(vballoon_codec_check_region(&region));
}

static void a_region_whose_pages_straddle_those_of_its_file_is_refused(void **state)
{
	struct vhost_user_region region = region_at(0);

	(void)state;
	region.mmap_offset = 512;
	assert_non_null(vballoon_codec_check_region(&region));
}

static void a_table_of_neighbours_is_taken_apart(void **state)
{
	struct mem_table table = table_of(3);
	struct vhost_user_region regions[VHOST_USER_FDS_MAX];
	unsigned int count = 0;

	(void)state;
	assert_null(vballoon_codec_mem_table(&table, table_bytes(3), regions, &count));
	assert_int_equal(count, 3);
	assert_int_equal(regions[2].guest_addr, 2 * MIB);
	assert_int_equal(regions[2].user_addr, table.regions[2].user_addr);
}

static void a_table_without_regions_is_taken(void **state)
{
	struct mem_table table = table_of(0);

	(void)state;
	assert_null(parse(&table, table_bytes(0)));
}

static void a_table_with_more_regions_than_descriptors_can_come_is_refused(void **state)
{
	struct mem_table table = table_of(VHOST_USER_FDS_MAX + 1);

	(void)state;
	assert_non_null(parse(&table, table_bytes(VHOST_USER_FDS_MAX + 1)));
}

static void a_table_that_is_cut_off_is_refused(void **state)
{
	struct mem_table table = table_of(2);

	(void)state;
	assert_non_null(parse(&table, table_bytes(2) - 1));
}

static void a_table_without_its_head_is_refused(void **state)
{
	struct mem_table table = table_of(0);

	(void)state;
	assert_non_null(parse(&table, sizeof(table.head) - 1));
}

static void a_table_with_a_bad_region_is_refused(void **state)
{
	struct mem_table table = table_of(2);

	(void)state;
	table.regions[1].size = 0;
	assert_non_null(parse(&table, table_bytes(2)));
}

static void regions_that_share_a_page_are_refused(void **state)
{
	struct mem_table table = table_of(2);

	(void)state;
	table.regions[0].size = MIB + 4096;
	assert_non_null(parse(&table, table_bytes(2)));
}

static void a_region_inside_another_is_refused(void **state)
{
	struct mem_table table = table_of(3);

	(void)state;
	table.regions[0].size = 8 * MIB;
	assert_non_null(parse(&table, table_bytes(3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_of_this_version_is_taken),
		cmocka_unit_test(a_header_of_another_version_is_refused),
		cmocka_unit_test(a_reply_where_a_request_belongs_is_refused),
		cmocka_unit_test(a_payload_without_end_is_refused),
		cmocka_unit_test(an_empty_region_is_refused),
		cmocka_unit_test(a_region_whose_guest_addresses_wrap_is_refused),
		cmocka_unit_test(a_region_whose_user_addresses_wrap_is_refused),
		cmocka_unit_test(a_region_whose_place_in_the_file_wraps_is_refused),
		cmocka_unit_test(a_region_whose_pages_straddle_those_of_its_file_is_refused),
		cmocka_unit_test(a_table_of_neighbours_is_taken_apart),
		cmocka_unit_test(a_table_without_regions_is_taken),
		cmocka_unit_test(a_table_with_more_regions_than_descriptors_can_come_is_refused),
		cmocka_unit_test(a_table_that_is_cut_off_is_refused),
		cmocka_unit_test(a_table_without_its_head_is_refused),
		cmocka_unit_test(a_table_with_a_bad_region_is_refused),
		cmocka_unit_test(regions_that_share_a_page_are_refused),
		cmocka_unit_test(a_region_inside_another_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
