// SPDX-License-Identifier: BSD-3-Clause
/* What descriptors of a front end keep memory from being given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/passthrough.h"
#include "daemon/proc_status.h"
#include "temporary.h"

#define PID 4711
#define NOBODY 65534

struct fixture {
	char proc[64]; /* in place of /proc */
	unsigned int next; /* descriptor */
};

static const char *path_of(const struct fixture *f, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", f->proc, name);
	return path;
}

static void write_status(const struct fixture *f, const char *name, const char *text)
{
	FILE *file = fopen(path_of(f, name), "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void open_link(struct fixture *f, const char *target)
{
	char name[32];

	snprintf(name, sizeof(name), "4711/fd/%u", f->next++);
	assert_int_equal(symlink(target, path_of(f, name)), 0);
}

static int empty_set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	assert_int_equal(temporary_directory(f.proc, sizeof(f.proc), "vballoon-proc"), 0);
	assert_int_equal(mkdir(path_of(&f, "self"), 0755), 0);
	assert_int_equal(mkdir(path_of(&f, "4711"), 0755), 0);
	assert_int_equal(mkdir(path_of(&f, "4711/fd"), 0755), 0);
	assert_int_equal(chmod(f.proc, 0755), 0);
	write_status(&f, "self/status", "Name:\tvballoond\nPid:\t99\nNSpid:\t99\nThreads:\t1\n");
	*state = &f;
	return 0;
}

/* A front end with what any has open. */
static int set_up(void **state)
{
	empty_set_up(state);
	open_link(*state, "/dev/null");
	open_link(*state, "socket:[12345]");
	open_link(*state, "/memfd:memory-backend-memfd (deleted)");
	open_link(*state, "/dev/kvm");
	open_link(*state, "anon_inode:kvm-vm");
	open_link(*state, "anon_inode:[eventfd]");
	open_link(*state, "/dev/vhost-net");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	return nftw(f->proc, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct vballoon_passthrough look_at(const char *proc, pid_t pid)
{
	struct vballoon_passthrough found;
	struct vballoon_process process;

	vballoon_process_init(&process);
	vballoon_process_open(&process, proc, pid);
	vballoon_passthrough_look(&process, &found);
	vballoon_process_close(&process);
	return found;
}

static struct vballoon_passthrough look(const struct fixture *f)
{
	return look_at(f->proc, PID);
}

static void assert_present(struct fixture *f, const char *target)
{
	struct vballoon_passthrough found;

	open_link(f, target);
	open_link(f, "/dev/null");
	found = look(f);
	assert_int_equal(found.state, VBALLOON_PASSTHROUGH_PRESENT);
	assert_non_null(strstr(found.text, target));
	assert_non_null(strstr(found.text, "process 4711"));
}

static void assert_unknown(const struct fixture *f, const char *why)
{
	struct vballoon_passthrough found = look(f);

	assert_int_equal(found.state, VBALLOON_PASSTHROUGH_UNKNOWN);
	assert_non_null(strstr(found.text, why));
	assert_non_null(strstr(found.text, "--passthrough absent"));
}

static void a_front_end_without_such_a_device_has_none(void **state)
{
	struct vballoon_passthrough found = look(*state);

	assert_int_equal(found.state, VBALLOON_PASSTHROUGH_ABSENT);
	assert_string_equal(found.text, "");
}

static void a_container_of_vfio_is_one(void **state)
{
	assert_present(*state, "/dev/vfio/vfio");
}

static void a_device_of_a_vfio_group_is_one(void **state)
{
	assert_present(*state, "anon_inode:[vfio-device]");
}

static void a_character_device_of_vfio_is_one(void **state)
{
	assert_present(*state, "/dev/vfio/devices/vfio0");
}

static void iommufd_is_one(void **state)
{
	assert_present(*state, "/dev/iommu");
}

static void a_fault_queue_of_iommufd_is_one(void **state)
{
	assert_present(*state, "anon_inode:[iommufd-pgfault]");
}

static void vhost_vdpa_is_one(void **state)
{
	assert_present(*state, "/dev/vhost-vdpa-0");
}

static void rdma_is_one(void **state)
{
	assert_present(*state, "/dev/infiniband/uverbs0");
}

static void a_device_in_a_jail_is_one(void **state)
{
	assert_present(*state, "/srv/jail/vm1/dev/vfio/12");
}

/* Whoever is told is told in JSON. */
static void of_a_jail_whose_name_is_no_text_it_is_told(void **state)
{
	struct vballoon_passthrough found;

	open_link(*state, "/srv/jail/vm\xe9/dev/vfio/12");
	found = look(*state);
	assert_int_equal(found.state, VBALLOON_PASSTHROUGH_PRESENT);
	assert_non_null(strstr(found.text, "/srv/jail/vm?/dev/vfio/12"));
}

/* QEMU keeps it after the last device was unplugged. */
static void what_kvm_knows_of_vfio_is_none(void **state)
{
	open_link(*state, "anon_inode:kvm-vfio");
	assert_int_equal(look(*state).state, VBALLOON_PASSTHROUGH_ABSENT);
}

static void a_process_that_has_gone_is_unknown(void **state)
{
	struct fixture *f = *state;
	char from[160];

	snprintf(from, sizeof(from), "%s/4711", f->proc);
	assert_int_equal(rename(from, path_of(f, "4712")), 0);
	assert_unknown(f, "No such file or directory");
}

/* A look by somebody who may not see descriptors, beside such a status. */
static struct vballoon_passthrough look_as_another(const struct fixture *f, const char *status)
{
	struct vballoon_passthrough found;

	if (status)
		write_status(f, "4711/status", status);
	assert_int_equal(chmod(path_of(f, "4711/fd"), 0), 0);
	setfsuid(NOBODY); /* where this is root, whom no mode keeps out */
	found = look(f);
	setfsuid(geteuid());
	assert_int_equal(chmod(path_of(f, "4711/fd"), 0755), 0);
	return found;
}

static void assert_hidden(const struct fixture *f, const char *status, const char *why)
{
	struct vballoon_passthrough found = look_as_another(f, status);

	assert_int_equal(found.state, VBALLOON_PASSTHROUGH_UNKNOWN);
	assert_non_null(strstr(found.text, why));
	assert_non_null(strstr(found.text, "run vballoond as the front end's user"));
	assert_non_null(strstr(found.text, "--passthrough absent"));
}

static void of_another_user_it_is_enough_that_nothing_is_pinned(void **state)
{
	struct fixture *f = *state;

	/* What cannot be seen is no reason, and what can be is the better one. */
	open_link(f, "/dev/vfio/12");
	assert_int_equal(look_as_another(f, "Name:\tqemu\nVmLck:\t       0 kB\n"
					    "VmPin:\t       0 kB\nThreads:\t3\n")
				 .state,
			 VBALLOON_PASSTHROUGH_ABSENT);
	assert_int_equal(look(f).state, VBALLOON_PASSTHROUGH_PRESENT);
}

static void of_another_user_locked_memory_may_be_such_a_device(void **state)
{
	assert_hidden(*state, "VmLck:\t 2097152 kB\nVmPin:\t       0 kB\n", "2097152 KiB");
}

static void of_another_user_pinned_memory_may_be_such_a_device(void **state)
{
	assert_hidden(*state, "VmLck:\t       0 kB\nVmPin:\t       4 kB\n", " 4 KiB");
}

static void of_another_user_all_the_memory_there_can_be_may_be_pinned(void **state)
{
	assert_hidden(*state, "VmLck:\t 18446744073709551612 kB\nVmPin:\t 4 kB\n", "neither");
}

static void of_another_user_half_an_answer_is_none(void **state)
{
	assert_hidden(*state, "VmLck:\t       0 kB\n", "neither");
	assert_hidden(*state, "VmPin:\t       0 kB\n", "neither");
	assert_hidden(*state, "VmLck:\t       0 kB\nVmPin:\n", "neither");
	assert_hidden(*state, "", "neither");
}

static void of_another_user_no_answer_is_unknown(void **state)
{
	assert_hidden(*state, NULL, "neither its descriptors nor its status");
}

/* A member of many groups: what is looked for comes late, and may lie anywhere in a piece. */
static void of_another_user_a_long_status_is_read_to_its_end(void **state)
{
	static const char *const ends[] = { "VmLck:\t 8 kB\nVmPin:\t 4 kB\n",
					    "VmPin:\t 4 kB\nVmLck:\t 8 kB\nThreads:\t1\n" };
	static char text[16384];

	for (size_t groups = 4000; groups < 4200; groups++) {
		memset(text, '7', groups);
		memcpy(text, "Groups:\t", 8);
		text[groups] = '\n';
		memcpy(text + groups + 1, ends[groups % 2], strlen(ends[groups % 2]) + 1);
		assert_hidden(*state, text, " 12 KiB");
	}
}

static void of_another_user_the_real_procfs_is_understood(void **state)
{
	struct vballoon_process process;
	char name[16], text[64];

	(void)state;
	vballoon_process_init(&process);
	assert_int_equal(vballoon_process_open(&process, "/proc", getpid()), 0);
	assert_int_equal(vballoon_process_pinned_kib(&process), 0);
	vballoon_process_close(&process);
	snprintf(name, sizeof(name), "%d", getpid());
	/* As of a process that has ended. */
	assert_int_equal(vballoon_proc_status_read("/proc", name, "VmNone:", text, sizeof(text)),
			 -ENODATA);
	assert_int_equal(vballoon_proc_status_read("/proc", "0", "VmPin:", text, sizeof(text)),
			 -ENOENT);
}

static void a_descriptor_that_cannot_be_read_is_unknown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(path_of(f, "4711/fd/90"), 0755), 0);
	assert_unknown(f, "Invalid argument");
}

static void a_process_without_descriptors_is_unknown(void **state)
{
	assert_unknown(*state, "cannot be seen");
}

static void a_process_without_a_number_here_is_unknown(void **state)
{
	const struct fixture *f = *state;
	struct vballoon_passthrough found = look_at(f->proc, 0);

	assert_int_equal(found.state, VBALLOON_PASSTHROUGH_UNKNOWN);
	assert_non_null(strstr(found.text, "PID namespace"));
}

static void a_procfs_of_other_numbers_tells_nothing(void **state)
{
	write_status(*state, "self/status", "Name:\tvballoond\nPid:\t99\nNSpid:\t99\t1\n");
	assert_unknown(*state, "PID namespace");
}

static void without_procfs_nothing_is_known(void **state)
{
	assert_int_equal(unlink(path_of(*state, "self/status")), 0);
	assert_unknown(*state, "procfs");
}

static void the_real_procfs_is_understood(void **state)
{
	const struct fixture *f = *state;
	int fd;

	assert_int_equal(look_at("/proc", getpid()).state, VBALLOON_PASSTHROUGH_ABSENT);
	assert_int_equal(mkdir(path_of(f, "dev"), 0755), 0);
	assert_int_equal(mkdir(path_of(f, "dev/vfio"), 0755), 0);
	fd = open(path_of(f, "dev/vfio/7"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(look_at("/proc", getpid()).state, VBALLOON_PASSTHROUGH_PRESENT);
	close(fd);
}

static void what_the_operator_says_is_not_asked_again(void **state)
{
	struct vballoon_passthrough known;

	(void)state;
	vballoon_passthrough_begin(VBALLOON_PASSTHROUGH_SAY_ABSENT, &known);
	assert_int_equal(known.state, VBALLOON_PASSTHROUGH_ABSENT);
	vballoon_passthrough_begin(VBALLOON_PASSTHROUGH_SAY_PRESENT, &known);
	assert_int_equal(known.state, VBALLOON_PASSTHROUGH_PRESENT);
	assert_non_null(strstr(known.text, "--passthrough present"));
}

static void before_anything_is_known_nothing_may_be_dropped(void **state)
{
	struct vballoon_passthrough known;

	(void)state;
	vballoon_passthrough_begin(VBALLOON_PASSTHROUGH_DETECT, &known);
	assert_int_equal(known.state, VBALLOON_PASSTHROUGH_UNKNOWN);
}

static void three_words_can_be_said(void **state)
{
	enum vballoon_passthrough_mode mode;

	(void)state;
	assert_null(vballoon_passthrough_parse("detect", &mode));
	assert_int_equal(mode, VBALLOON_PASSTHROUGH_DETECT);
	assert_null(vballoon_passthrough_parse("absent", &mode));
	assert_int_equal(mode, VBALLOON_PASSTHROUGH_SAY_ABSENT);
	assert_null(vballoon_passthrough_parse("present", &mode));
	assert_int_equal(mode, VBALLOON_PASSTHROUGH_SAY_PRESENT);
	assert_non_null(vballoon_passthrough_parse("no", &mode));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_front_end_without_such_a_device_has_none),
		TEST(a_container_of_vfio_is_one),
		TEST(a_device_of_a_vfio_group_is_one),
		TEST(a_character_device_of_vfio_is_one),
		TEST(iommufd_is_one),
		TEST(a_fault_queue_of_iommufd_is_one),
		TEST(vhost_vdpa_is_one),
		TEST(rdma_is_one),
		TEST(a_device_in_a_jail_is_one),
		TEST(of_a_jail_whose_name_is_no_text_it_is_told),
		TEST(what_kvm_knows_of_vfio_is_none),
		TEST(a_process_that_has_gone_is_unknown),
		TEST(of_another_user_it_is_enough_that_nothing_is_pinned),
		TEST(of_another_user_locked_memory_may_be_such_a_device),
		TEST(of_another_user_pinned_memory_may_be_such_a_device),
		TEST(of_another_user_all_the_memory_there_can_be_may_be_pinned),
		TEST(of_another_user_half_an_answer_is_none),
		TEST(of_another_user_no_answer_is_unknown),
		TEST(of_another_user_a_long_status_is_read_to_its_end),
		cmocka_unit_test(of_another_user_the_real_procfs_is_understood),
		TEST(a_descriptor_that_cannot_be_read_is_unknown),
		cmocka_unit_test_setup_teardown(a_process_without_descriptors_is_unknown,
						empty_set_up, tear_down),
		TEST(a_process_without_a_number_here_is_unknown),
		TEST(a_procfs_of_other_numbers_tells_nothing),
		TEST(without_procfs_nothing_is_known),
		TEST(the_real_procfs_is_understood),
		cmocka_unit_test(what_the_operator_says_is_not_asked_again),
		cmocka_unit_test(before_anything_is_known_nothing_may_be_dropped),
		cmocka_unit_test(three_words_can_be_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
