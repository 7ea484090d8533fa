/* SPDX-License-Identifier: BSD-3-Clause */
/* Which files are memory that may be given back, and in what pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vballoon/backing.h>

#define FILE_BYTES (4 << 20)

static int memory_file(unsigned int flags)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
	return fd;
}

static struct vballoon_backing_kind probe(int fd)
{
	return vballoon_backing_probe(fd, 0, vballoon_bytes(FILE_BYTES));
}

static void a_memfd_is_given_back_in_small_pages(void **state)
{
	int fd = memory_file(0);
	struct vballoon_backing_kind kind = probe(fd);

	(void)state;
	assert_int_equal(kind.reclaimable, VBALLOON_RECLAIMABLE);
	assert_int_equal(1L << kind.host_page_shift, sysconf(_SC_PAGESIZE));
	assert_false(kind.limited);
	close(fd);
}

static void a_file_on_a_tmpfs_that_can_be_full_is_restored_first(void **state)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct vballoon_backing_kind kind = probe(fd);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(kind.reclaimable, VBALLOON_RECLAIMABLE);
	assert_true(kind.limited);
	close(fd);
}

static void a_descriptor_that_is_only_a_path_is_kept(void **state)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[64];
	int named;

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	named = open(path, O_PATH | O_CLOEXEC);
	assert_true(named >= 0);
	assert_int_not_equal(probe(named).reclaimable, VBALLOON_RECLAIMABLE);
	close(named);
	close(fd);
}

static void a_hugetlb_file_is_given_back_in_its_own_pages(void **state)
{
	int fd = memory_file(MFD_HUGETLB | MFD_HUGE_2MB);
	struct vballoon_backing_kind kind = probe(fd);

	(void)state;
	assert_int_equal(kind.reclaimable, VBALLOON_RECLAIMABLE);
	assert_int_equal(kind.host_page_shift, 21);
	assert_true(kind.limited);
	close(fd);
}

static void a_region_that_does_not_begin_on_a_host_page_is_kept(void **state)
{
	int fd = memory_file(MFD_HUGETLB | MFD_HUGE_2MB);
	struct vballoon_backing_kind kind =
		vballoon_backing_probe(fd, 0xc0000, vballoon_bytes(2 << 20));

	(void)state;
	assert_int_equal(kind.reclaimable, VBALLOON_KEEP_MISALIGNED);
	close(fd);
}

static void a_region_that_does_not_end_on_a_host_page_is_kept(void **state)
{
	int fd = memory_file(0);
	struct vballoon_backing_kind kind = vballoon_backing_probe(fd, 0, vballoon_bytes(4097));

	(void)state;
	assert_int_equal(kind.reclaimable, VBALLOON_KEEP_MISALIGNED);
	close(fd);
}

static void a_file_sealed_against_writing_is_kept(void **state)
{
	int fd = memory_file(0);

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(probe(fd).reclaimable, VBALLOON_KEEP_SEALED);
	close(fd);
}

static void a_file_sealed_against_future_writing_is_kept(void **state)
{
	int fd = memory_file(0);

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	assert_int_equal(probe(fd).reclaimable, VBALLOON_KEEP_SEALED);
	close(fd);
}

static void a_file_sealed_against_shrinking_is_given_back(void **state)
{
	int fd = memory_file(0);

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(probe(fd).reclaimable, VBALLOON_RECLAIMABLE);
	close(fd);
}

static void a_descriptor_that_only_reads_is_kept(void **state)
{
	int fd = memory_file(0);
	char path[64];
	int reader;

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_int_equal(probe(reader).reclaimable, VBALLOON_KEEP_READ_ONLY);
	close(reader);
	close(fd);
}

static void a_file_that_is_not_memory_is_kept(void **state)
{
	int fd = open("/proc/self/comm", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(probe(fd).reclaimable, VBALLOON_KEEP_FILE);
	close(fd);
}

static void what_is_no_file_is_kept(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(probe(ends[1]).reclaimable, VBALLOON_KEEP_UNKNOWN);
	close(ends[0]);
	close(ends[1]);
}

static void what_cannot_be_asked_is_kept(void **state)
{
	(void)state;
	assert_int_equal(probe(-1).reclaimable, VBALLOON_KEEP_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_memfd_is_given_back_in_small_pages),
		cmocka_unit_test(a_file_on_a_tmpfs_that_can_be_full_is_restored_first),
		cmocka_unit_test(a_descriptor_that_is_only_a_path_is_kept),
		cmocka_unit_test(a_hugetlb_file_is_given_back_in_its_own_pages),
		cmocka_unit_test(a_region_that_does_not_begin_on_a_host_page_is_kept),
		cmocka_unit_test(a_region_that_does_not_end_on_a_host_page_is_kept),
		cmocka_unit_test(a_file_sealed_against_writing_is_kept),
		cmocka_unit_test(a_file_sealed_against_future_writing_is_kept),
		cmocka_unit_test(a_file_sealed_against_shrinking_is_given_back),
		cmocka_unit_test(a_descriptor_that_only_reads_is_kept),
		cmocka_unit_test(a_file_that_is_not_memory_is_kept),
		cmocka_unit_test(what_is_no_file_is_kept),
		cmocka_unit_test(what_cannot_be_asked_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
