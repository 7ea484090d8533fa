// SPDX-License-Identifier: BSD-3-Clause
/* That a device which is passed through is seen, and when: of real processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/interlock.h"
#include "temporary.h"

#define PAGE 4096
#define NOW_MS 1000
#define PINS_MS (NOW_MS + 2)
#define COUNTED_MS (NOW_MS + 10)
#define LOOKED_MS (NOW_MS + 1000)

struct fixture {
	struct vballoon_interlock interlock;
	char directory[64];
	void *page; /* that can be locked */
	int device; /* -1: none */
};

static void path_of(const struct fixture *f, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", f->directory, name);
}

/* What this process has open then, as a front end in a jail would. */
static void open_device(struct fixture *f)
{
	char path[128];

	path_of(f, "dev/vfio/7", path);
	f->device = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(f->device >= 0);
}

static void close_device(struct fixture *f)
{
	if (f->device >= 0)
		close(f->device);
	f->device = -1;
}

/* By its number: sanitizers have a function of this name that does nothing. */
static void pin(const struct fixture *f)
{
	assert_int_equal(syscall(SYS_mlock, f->page, PAGE), 0);
}

static bool check(struct fixture *f, uint64_t now_ms)
{
	return vballoon_interlock_check(&f->interlock, getpid(), now_ms);
}

static void assert_open(const struct fixture *f, bool open)
{
	assert_int_equal(vballoon_interlock_is_open(&f->interlock), open);
}

static int set_up(void **state)
{
	static struct fixture f;
	char path[128];

	f = (struct fixture){ .device = -1 };
	assert_int_equal(
		temporary_directory(f.directory, sizeof(f.directory), "vballoon-interlock"), 0);
	path_of(&f, "dev", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_of(&f, "dev/vfio", path);
	assert_int_equal(mkdir(path, 0700), 0);
	f.page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f.page, MAP_FAILED);
	vballoon_interlock_init(&f.interlock, "/proc", VBALLOON_PASSTHROUGH_DETECT);
	*state = &f;
	return 0;
}

/* A front end that was looked at, and has no such device. */
static int looked_set_up(void **state)
{
	set_up(state);
	assert_true(check(*state, NOW_MS));
	assert_open(*state, true);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const made[] = { "dev/vfio/7", "dev/vfio", "dev", "" };
	struct fixture *f = *state;
	char path[128];

	close_device(f);
	vballoon_interlock_end(&f->interlock);
	munmap(f->page, PAGE);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		path_of(f, made[i], path);
		(void)remove(path);
	}
	return 0;
}

static void before_the_first_look_nothing_may_be_given_back(void **state)
{
	assert_open(*state, false);
}

static void a_device_that_is_there_already_is_seen_at_the_first_look(void **state)
{
	struct fixture *f = *state;

	open_device(f);
	assert_true(check(f, NOW_MS));
	assert_open(f, false);
}

static void what_stays_the_same_is_told_once(void **state)
{
	struct fixture *f = *state;

	for (uint64_t now_ms = NOW_MS; now_ms < NOW_MS + 2500; now_ms++)
		assert_false(check(f, now_ms));
	assert_open(f, true);
}

static void a_device_that_is_opened_is_seen_when_descriptors_are_counted(void **state)
{
	struct fixture *f = *state;

	open_device(f);
	assert_true(check(f, COUNTED_MS));
	assert_open(f, false);
	assert_non_null(strstr(f->interlock.known.text, "/dev/vfio/7"));
}

static void one_that_has_pinned_memory_is_seen_before_the_next_step(void **state)
{
	struct fixture *f = *state;

	open_device(f);
	pin(f);
	assert_true(check(f, PINS_MS));
	assert_open(f, false);
}

/* However often it was found that all is as it was. */
static void one_that_pins_at_last_is_seen_then(void **state)
{
	struct fixture *f = *state;

	for (uint64_t now_ms = NOW_MS; now_ms <= LOOKED_MS + 5; now_ms++)
		assert_false(check(f, now_ms));
	open_device(f);
	pin(f);
	assert_true(check(f, LOOKED_MS + 7));
	assert_open(f, false);
}

static void one_that_takes_the_place_of_a_file_is_seen_at_the_next_look(void **state)
{
	struct fixture *f = *state;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(file >= 0);
	vballoon_interlock_look(&f->interlock, getpid(), NOW_MS);
	close(file);
	open_device(f);
	(void)check(f, COUNTED_MS);
	(void)check(f, LOOKED_MS);
	assert_open(f, false);
}

static void memory_that_is_locked_is_no_device(void **state)
{
	struct fixture *f = *state;

	pin(f);
	assert_false(check(f, PINS_MS));
	assert_open(f, true);
	open_device(f);
	munmap(f->page, PAGE);
	assert_true(check(f, PINS_MS + 2));
	assert_open(f, false);
}

static void when_the_device_has_gone_that_is_seen_too(void **state)
{
	struct fixture *f = *state;

	open_device(f);
	assert_true(check(f, COUNTED_MS));
	close_device(f);
	assert_false(check(f, COUNTED_MS + 9));
	assert_open(f, false);
	assert_true(check(f, COUNTED_MS + 10));
	assert_open(f, true);
}

static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not end it */
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void end_process(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void another_process_is_looked_at_before_it_is_trusted(void **state)
{
	struct fixture *f = *state;
	pid_t other;

	open_device(f);
	other = start_process(); /* which has it open */
	close_device(f);
	assert_true(vballoon_interlock_check(&f->interlock, other, NOW_MS));
	assert_open(f, false);
	end_process(other);
}

static void of_a_process_that_has_gone_nothing_is_known(void **state)
{
	struct fixture *f = *state;
	pid_t other = start_process();

	assert_false(vballoon_interlock_check(&f->interlock, other, NOW_MS));
	assert_open(f, true);
	end_process(other);
	assert_true(vballoon_interlock_check(&f->interlock, other, PINS_MS));
	assert_open(f, false);
}

static void the_next_front_end_is_looked_at_anew(void **state)
{
	struct fixture *f = *state;

	vballoon_interlock_end(&f->interlock);
	vballoon_interlock_begin(&f->interlock);
	assert_open(f, false);
	assert_true(check(f, NOW_MS));
	assert_open(f, true);
}

static void what_the_operator_says_is_not_looked_for(void **state)
{
	struct fixture *f = *state;

	open_device(f);
	vballoon_interlock_init(&f->interlock, "/proc", VBALLOON_PASSTHROUGH_SAY_ABSENT);
	assert_false(check(f, NOW_MS));
	assert_false(vballoon_interlock_look(&f->interlock, getpid(), NOW_MS));
	assert_open(f, true);
}

static void take(struct fixture *f, int status, int directory)
{
	vballoon_process_take(&f->interlock.process, getpid(), status, directory);
}

/* What another process has looked at, which has handed out what is to be seen without it. */
static int asked_set_up(void **state)
{
	struct fixture *f;
	int status, directory;

	looked_set_up(state);
	f = *state;
	status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	directory = vballoon_process_directory(&f->interlock.process);
	assert_true(status >= 0 && directory >= 0);
	/* They take the place of those that the first look had open, so that there are as many. */
	take(f, status, directory);
	return 0;
}

static bool holds(struct fixture *f, uint64_t now_ms)
{
	return vballoon_interlock_holds(&f->interlock, getpid(), now_ms);
}

static void what_another_process_said_is_good_for_a_second(void **state)
{
	struct fixture *f = *state;

	for (uint64_t now_ms = NOW_MS; now_ms < LOOKED_MS; now_ms++)
		assert_true(holds(f, now_ms));
	assert_false(holds(f, LOOKED_MS));
}

static void it_is_no_good_once_a_descriptor_is_opened(void **state)
{
	struct fixture *f = *state;

	open_device(f);
	assert_true(holds(f, COUNTED_MS - 1));
	assert_false(holds(f, COUNTED_MS));
	/* It stays so until that process was asked. */
	assert_false(holds(f, COUNTED_MS + 10));
}

static void it_is_no_good_once_memory_is_pinned(void **state)
{
	struct fixture *f = *state;

	pin(f);
	assert_false(holds(f, PINS_MS));
	assert_false(holds(f, PINS_MS + 2));
	munmap(f->page, PAGE);
	assert_true(holds(f, PINS_MS + 4));
}

static void what_is_hidden_but_for_its_pins_is_asked_for_those_each_time(void **state)
{
	struct fixture *f = *state;

	f->interlock.known.by_pins = true;
	assert_true(holds(f, NOW_MS));
	pin(f);
	assert_false(holds(f, NOW_MS));
}

static void it_is_no_good_without_the_status_or_for_another_process(void **state)
{
	struct fixture *f = *state;

	assert_false(vballoon_interlock_holds(&f->interlock, getpid() + 1, NOW_MS));
	take(f, -ENODATA, -ENODATA);
	assert_false(holds(f, PINS_MS));
}

/* As on a kernel that does not count them so. */
static void without_the_directory_it_is_good_until_it_would_be_counted(void **state)
{
	struct fixture *f = *state;

	take(f, open("/proc/self/status", O_RDONLY | O_CLOEXEC), -ENODATA);
	assert_true(holds(f, COUNTED_MS - 1));
	assert_false(holds(f, COUNTED_MS));
}

static void the_directory_that_is_handed_out_shows_no_descriptor(void **state)
{
	struct fixture *f = *state;
	char name[16];

	assert_true(vballoon_process_descriptor_count(&f->interlock.process) > 0);
	assert_int_equal(
		syscall(SYS_getdents64, f->interlock.process.directory, name, sizeof(name)), -1);
	assert_int_equal(errno, EBADF);
}

static void a_device_that_was_told_of_is_not_asked_for_all_the_time(void **state)
{
	struct fixture *f = *state;

	open_device(f);
	vballoon_interlock_look(&f->interlock, getpid(), NOW_MS);
	assert_open(f, false);
	pin(f);
	assert_true(holds(f, COUNTED_MS - 1));
	assert_false(holds(f, COUNTED_MS));
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_the_first_look_nothing_may_be_given_back, set_up),
		TEST(a_device_that_is_there_already_is_seen_at_the_first_look, set_up),
		TEST(what_stays_the_same_is_told_once, looked_set_up),
		TEST(a_device_that_is_opened_is_seen_when_descriptors_are_counted, looked_set_up),
		TEST(one_that_has_pinned_memory_is_seen_before_the_next_step, looked_set_up),
		TEST(one_that_pins_at_last_is_seen_then, looked_set_up),
		TEST(one_that_takes_the_place_of_a_file_is_seen_at_the_next_look, looked_set_up),
		TEST(memory_that_is_locked_is_no_device, looked_set_up),
		TEST(when_the_device_has_gone_that_is_seen_too, looked_set_up),
		TEST(another_process_is_looked_at_before_it_is_trusted, looked_set_up),
		TEST(of_a_process_that_has_gone_nothing_is_known, looked_set_up),
		TEST(the_next_front_end_is_looked_at_anew, looked_set_up),
		TEST(what_the_operator_says_is_not_looked_for, set_up),
		TEST(what_another_process_said_is_good_for_a_second, asked_set_up),
		TEST(it_is_no_good_once_a_descriptor_is_opened, asked_set_up),
		TEST(it_is_no_good_once_memory_is_pinned, asked_set_up),
		TEST(what_is_hidden_but_for_its_pins_is_asked_for_those_each_time, asked_set_up),
		TEST(it_is_no_good_without_the_status_or_for_another_process, asked_set_up),
		TEST(without_the_directory_it_is_good_until_it_would_be_counted, asked_set_up),
		TEST(the_directory_that_is_handed_out_shows_no_descriptor, asked_set_up),
		TEST(a_device_that_was_told_of_is_not_asked_for_all_the_time, asked_set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
