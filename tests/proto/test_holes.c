/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host has nothing of: seen in the files behind the guest's memory, and nowhere else. */
#include "base/le.h"
#include "proto_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define EPOCH 41
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV
#define RUNS_MAX 16
#define REPORTING                                                                                  \
	(UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS |                                        \
	 UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_REPORTING)
#define MORE (GUEST_BASE + 2 * (UINT64_C(1) << 30)) /* a region that is plugged in */
#define MORE_BYTES (2U << 20)

int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);

static unsigned int populated; /* times that the host was asked for memory */

int __wrap_madvise(void *at, size_t len, int advice)
{
	populated += advice == MADV_POPULATE_WRITE;
	return __real_madvise(at, len, advice);
}

struct runs {
	uint64_t gpa[RUNS_MAX], pages[RUNS_MAX]; /* of each */
	unsigned int count, most;
	uint64_t sum; /* of pages */
};

static bool note(void *context, struct vballoon_gpa gpa, uint64_t pages)
{
	struct runs *runs = context;

	if (runs->count == runs->most)
		return false;
	runs->gpa[runs->count] = gpa.value;
	runs->pages[runs->count++] = pages;
	runs->sum += pages;
	return true;
}

static int look_from(struct front_end *front_end, uint64_t from, struct runs *runs)
{
	*runs = (struct runs){ .most = RUNS_MAX };
	return vballoon_vhost_user_each_hole(front_end->back_end, vballoon_gpa(from), note, runs);
}

/* What there is in all of a guest that stands still. */
static struct runs look(struct front_end *front_end)
{
	struct runs runs;

	assert_int_equal(look_from(front_end, 0, &runs), 0);
	return runs;
}

/* A page of the balloon's, or one behind. */
static unsigned char *page(struct front_end *front_end, uint32_t index)
{
	return balloon_driver_page(front_end, index);
}

/* Report a run of the balloon's pages as free. */
static void report(struct front_end *front_end, uint32_t first, uint32_t pages)
{
	struct {
		__le32 type, flags;
		__le64 entry;
	} message = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT) };

	message.entry = vballoon_le64((GUEST_BALLOON + (uint64_t)first * GUEST_PAGE) | (pages - 1));
	assert_int_equal(balloon_driver_send(front_end, &message, sizeof(message), NULL, 0), 0);
}

/* All of the guest's memory is there, and its driver has spoken. */
static int full_set_up(void **state)
{
	struct front_end *front_end;

	connect_set_up(state);
	front_end = *state;
	memset(front_end->memory, 0xa5, GUEST_BYTES);
	front_end_start_with(front_end, FRONT_END_FEATURES | REPORTING);
	balloon_driver_post_request(front_end);
	balloon_driver_hello(front_end, EPOCH, 0);
	return 0;
}

static void pause_guest(struct front_end *front_end)
{
	front_end_stop_queue(front_end, 0);
	front_end_stop_queue(front_end, 1);
}

static void go_on(struct front_end *front_end)
{
	for (unsigned int i = 0; i < 2; i++)
		front_end_start_queue(front_end, i,
				      vballoon_front_end_next_base(&front_end->wire, i));
}

static void a_guest_that_uses_all_of_its_memory_has_none(void **state)
{
	pause_guest(*state);
	assert_int_equal(look(*state).count, 0);
}

static void what_was_dropped_from_the_balloon_is_told(void **state)
{
	struct front_end *front_end = *state;
	struct runs runs;

	assert_int_equal(balloon_driver_add(front_end, 3, 5), 5);
	front_end_pump(front_end);
	pause_guest(front_end);
	runs = look(front_end);
	assert_int_equal(runs.count, 1);
	assert_int_equal(runs.gpa[0], GUEST_BALLOON + 3 * GUEST_PAGE);
	assert_int_equal(runs.pages[0], 5);
}

/* Proves DEV-STATE-8. */
static void what_was_reported_is_told_until_the_guest_uses_it(void **state)
{
	struct front_end *front_end = *state;
	struct runs runs;

	report(front_end, 8, 16);
	pause_guest(front_end);
	assert_int_equal(look(front_end).sum, 16);
	go_on(front_end);
	page(front_end, 11)[77] = 1;
	assert_int_equal(*(volatile unsigned char *)page(front_end, 20), 0);
	pause_guest(front_end);
	runs = look(front_end);
	assert_int_equal(runs.sum, 14);
	assert_int_equal(runs.count, 3);
	assert_int_equal(runs.gpa[0], GUEST_BALLOON + 8 * GUEST_PAGE);
	assert_int_equal(runs.pages[0], 3);
	assert_int_equal(runs.gpa[1], GUEST_BALLOON + 12 * GUEST_PAGE);
	assert_int_equal(runs.gpa[2], GUEST_BALLOON + 21 * GUEST_PAGE);
}

static void it_goes_on_from_anywhere(void **state)
{
	struct front_end *front_end = *state;
	struct runs runs = { .most = 1 };

	assert_int_equal(balloon_driver_add(front_end, 0, 10), 10);
	assert_int_equal(balloon_driver_add(front_end, 20, 10), 10);
	front_end_pump(front_end);
	pause_guest(front_end);
	assert_int_equal(
		vballoon_vhost_user_each_hole(front_end->back_end, vballoon_gpa(0), note, &runs),
		0);
	assert_int_equal(runs.sum, 10);
	assert_int_equal(look_from(front_end, GUEST_BALLOON + 4 * GUEST_PAGE, &runs), 0);
	assert_int_equal(runs.sum, 16);
	assert_int_equal(look_from(front_end, GUEST_BALLOON + 10 * GUEST_PAGE, &runs), 0);
	assert_int_equal(runs.sum, 10);
	assert_int_equal(look_from(front_end, UINT64_MAX, &runs), 0);
	assert_int_equal(runs.sum, 0);
}

static void a_guest_that_runs_is_not_told_of(void **state)
{
	struct front_end *front_end = *state;
	struct runs runs;

	assert_int_equal(look_from(front_end, 0, &runs), -EBUSY);
	front_end_stop_queue(front_end, 0);
	assert_int_equal(look_from(front_end, 0, &runs), -EBUSY);
	assert_int_equal(runs.count, 0);
}

/* The balloon may be anybody's: the host's answer is the same. */
static void a_guest_that_did_not_speak_is_told_of(void **state)
{
	struct front_end *front_end = *state;

	report(front_end, 0, 4);
	pause_guest(front_end);
	go_on(front_end);
	pause_guest(front_end);
	assert_int_equal(look(front_end).sum, 4);
}

static void before_a_driver_was_seen_nothing_is_told(void **state)
{
	struct front_end *front_end = *state;
	struct runs runs;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	assert_int_equal(look_from(front_end, 0, &runs), -EAGAIN);
}

/* All of its file is a hole. */
static void memory_that_is_not_shared_is_not_told_of(void **state)
{
	struct front_end *front_end = *state;
	struct runs runs;

	front_end_unshare_memory(front_end);
	front_end_start(front_end);
	for (unsigned int i = 0; i < 4; i++)
		front_end_kick(front_end, 1);
	pause_guest(front_end);
	assert_int_equal(look_from(front_end, 0, &runs), -EAGAIN);
}

/* Its file has what the memory had when it was saved, rings with messages in them among it; what the
 * guest has written since is elsewhere. */
static void a_guest_that_was_restored_from_a_file_is_not_told_of(void **state)
{
	struct front_end *front_end = *state;
	uint32_t bases[2];
	struct runs runs;

	report(front_end, 0, 4);
	balloon_driver_post_request(front_end);
	for (unsigned int i = 0; i < 2; i++)
		bases[i] = front_end_stop_queue(front_end, i);
	assert_int_equal(look(front_end).sum, 4);
	front_end_unshare_memory(front_end);
	front_end_negotiate(front_end, FRONT_END_FEATURES | REPORTING);
	for (unsigned int i = 0; i < 2; i++)
		front_end_start_queue(front_end, i, bases[i]);
	front_end_kick(front_end, TODEV);
	front_end_kick(front_end, TODEV);
	assert_null(back_end_status(front_end).memory_problem);
	pause_guest(front_end);
	assert_int_equal(look_from(front_end, 0, &runs), -EAGAIN);
}

/* Plug a region in whose file the test has. */
static int plug(struct front_end *front_end, unsigned int memfd_flags)
{
	struct vhost_user_mem_region reg = { .region = front_end->region };
	int fd = memfd_create("more", MFD_CLOEXEC | memfd_flags);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MORE_BYTES), 0);
	reg.region.guest_addr = MORE;
	reg.region.size = MORE_BYTES;
	reg.region.user_addr += GUEST_BYTES;
	reg.region.mmap_offset = 0;
	assert_int_equal(
		front_end_ask(front_end, VHOST_USER_ADD_MEM_REG, &reg, sizeof(reg), &fd, 1), 0);
	return fd;
}

/* Another region of the same guest may be mapped otherwise. */
static void a_region_that_nobody_was_seen_to_write_to_is_left_out(void **state)
{
	struct front_end *front_end = *state;
	int fd = plug(front_end, 0);
	char zeros[GUEST_PAGE] = { 0 };
	struct runs runs;

	pause_guest(front_end);
	assert_int_equal(look(front_end).count, 0);
	assert_int_equal(pwrite(fd, zeros, GUEST_PAGE, 0), GUEST_PAGE);
	assert_int_equal(look(front_end).count, 0);
	assert_int_equal(pwrite(fd, "x", 1, 9 * GUEST_PAGE), 1);
	runs = look(front_end);
	assert_int_equal(runs.count, 2);
	assert_int_equal(runs.gpa[0], MORE + GUEST_PAGE);
	assert_int_equal(runs.pages[0], 8);
	assert_int_equal(runs.gpa[1], MORE + 10 * GUEST_PAGE);
	assert_int_equal(runs.sum, MORE_BYTES / GUEST_PAGE - 2);
	close(fd);
}

/* The host does not tell where there are none, and the pool may have no other. */
static void huge_pages_that_are_not_there_do_not_come(void **state)
{
	struct front_end *front_end = *state;

	close(plug(front_end, MFD_HUGETLB | MFD_HUGE_2MB));
	pause_guest(front_end);
	populated = 0;
	assert_int_equal(look(front_end).count, 0);
	assert_int_equal(populated, 0);
}

/* It is the same open file. */
static void the_front_ends_place_in_the_file_stays(void **state)
{
	struct front_end *front_end = *state;

	assert_int_equal(lseek(front_end->memory_fd, 12345, SEEK_SET), 12345);
	report(front_end, 0, 4);
	pause_guest(front_end);
	assert_int_equal(look(front_end).sum, 4);
	assert_int_equal(lseek(front_end->memory_fd, 0, SEEK_CUR), 12345);
}

/* Reserved is not used: it reads as zeros. What is used and full of zeros is used. */
static void only_what_was_never_touched_is_a_hole(void **state)
{
	struct front_end *front_end = *state;

	report(front_end, 0, 4);
	assert_int_equal(fallocate(front_end->memory_fd, FALLOC_FL_KEEP_SIZE,
				   (off_t)(GUEST_BALLOON - GUEST_BASE), 2 * GUEST_PAGE),
			 0);
	memset(page(front_end, 3), 0, GUEST_PAGE);
	pause_guest(front_end);
	assert_int_equal(look(front_end).sum, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, full_set_up, proto_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guest_that_uses_all_of_its_memory_has_none),
		TEST(what_was_dropped_from_the_balloon_is_told),
		TEST(what_was_reported_is_told_until_the_guest_uses_it),
		TEST(it_goes_on_from_anywhere),
		TEST(a_guest_that_runs_is_not_told_of),
		TEST(a_guest_that_did_not_speak_is_told_of),
		CONNECTED_TEST(before_a_driver_was_seen_nothing_is_told),
		CONNECTED_TEST(memory_that_is_not_shared_is_not_told_of),
		TEST(a_guest_that_was_restored_from_a_file_is_not_told_of),
		TEST(a_region_that_nobody_was_seen_to_write_to_is_left_out),
		TEST(huge_pages_that_are_not_there_do_not_come),
		TEST(the_front_ends_place_in_the_file_stays),
		TEST(only_what_was_never_touched_is_a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
