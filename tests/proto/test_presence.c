/* SPDX-License-Identifier: BSD-3-Clause */
/* How often the host is asked whether memory is there that the device is about to access: once
 * in a run, and again when it may have gone. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"
#include "proto_test.h"

#define INFLATE VIRTIO_BALLOON_VQ_INFLATE
#define TELLS (UINT64_C(1) << VIRTIO_BALLOON_F_MUST_TELL_HOST)
#define DIMM_BYTES (2U << 20)
#define DIMM_BASE UINT64_C(0x100000000)
#define DIMM_USER UINT64_C(0x600000000000)
#define DIMM_PFN ((uint32_t)(DIMM_BASE / GUEST_PAGE))
#define PFNS 512 /* the device reads half of them at once */

void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);
int __real_fallocate64(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len);

static struct front_end front_end;
static int dimm;
static char *dimm_map; /* where the back end has it */
static unsigned int asked; /* whether there is memory for the first page of the DIMM */
static bool host_is_short; /* what has gone does not come again */

void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *map = __real_mmap64(at, len, prot, flags, fd, offset);
	struct stat of_dimm, of_fd;

	if (!fstat(dimm, &of_dimm) && !fstat(fd, &of_fd) && of_dimm.st_ino == of_fd.st_ino)
		dimm_map = map;
	return map;
}

int __wrap_madvise(void *at, size_t len, int advice)
{
	asked += advice == MADV_POPULATE_WRITE && at == dimm_map;
	return __real_madvise(at, len, advice);
}

/* An access to what is behind the end of a file ends in SIGBUS, as one to a hole does where there
 * are no huge pages left. */
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len)
{
	int ret = __real_fallocate64(fd, mode, offset, len);

	return ret || !host_is_short ? ret : ftruncate(fd, offset);
}

/* Memory in a file that could be cut off; the queues lie in other memory. */
static void plug_dimm(void)
{
	struct vhost_user_region regions[] = {
		front_end.region,
		{ .guest_addr = DIMM_BASE, .size = DIMM_BYTES, .user_addr = DIMM_USER },
	};
	int fds[] = { front_end.memory_fd, memfd_create("dimm", MFD_CLOEXEC) };

	dimm = fds[1];
	assert_true(dimm >= 0);
	assert_int_equal(ftruncate(dimm, DIMM_BYTES), 0);
	dimm_map = NULL;
	front_end_set_mem_table(&front_end, regions, fds, 2);
	assert_false(front_end_refused(&front_end));
	assert_non_null(dimm_map);
}

static int set_up(void **state)
{
	(void)state;
	host_is_short = false;
	front_end_open_device(&front_end, VIRTIO_BALLOON_ID, VIRTIO_BALLOON_VQ_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	front_end_close(&front_end);
	close(dimm);
	return 0;
}

static void start(uint64_t features)
{
	front_end_start_with(&front_end, FRONT_END_FEATURES | features);
	front_end_pump(&front_end);
	plug_dimm();
}

/* A message that lies in the first page of the DIMM: @first, and then others of its pages. */
static void post(uint32_t first)
{
	const struct vballoon_driver_buffer buffer = { { DIMM_BASE },
						       PFNS * sizeof(__le32),
						       false };
	__le32 pfns[PFNS];

	for (uint32_t i = 0; i < PFNS; i++)
		pfns[i] = vballoon_le32(i ? DIMM_PFN + 8 + i % 256 : first);
	assert_int_equal(pwrite(dimm, pfns, sizeof(pfns), 0), sizeof(pfns));
	asked = 0;
	assert_int_equal(
		vballoon_driver_ring_post(&front_end.queues[INFLATE].driver, &buffer, 1, 1), 0);
	front_end_kick(&front_end, INFLATE);
	front_end_pump(&front_end);
}

static void a_page_is_asked_for_once_in_a_run(void **state)
{
	uint32_t written;

	(void)state;
	start(TELLS);
	for (unsigned int i = 0; i < 3; i++) {
		post(DIMM_PFN + 1);
		assert_int_equal(front_end_collect(&front_end, INFLATE, &written),
				 VBALLOON_COLLECT_ONE);
		assert_int_equal(asked, 1);
	}
}

/* With half of the message read, the page that it lies in is given to the host. */
static void a_message_may_give_up_the_page_that_it_lies_in(void **state)
{
	uint32_t written;

	(void)state;
	start(0);
	post(DIMM_PFN);
	assert_int_equal(front_end_collect(&front_end, INFLATE, &written), VBALLOON_COLLECT_ONE);
	assert_int_equal(asked, 2);
	assert_int_equal(device_status(&front_end).violation, VBALLOON_OK);
}

static void it_stops_the_device_when_the_host_has_no_other(void **state)
{
	(void)state;
	start(0);
	host_is_short = true;
	post(DIMM_PFN);
	assert_int_equal(device_status(&front_end).violation, VBALLOON_DESC_OUTSIDE_MEMORY);
	assert_false(front_end_refused(&front_end));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_is_asked_for_once_in_a_run),
		TEST(a_message_may_give_up_the_page_that_it_lies_in),
		TEST(it_stops_the_device_when_the_host_has_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
