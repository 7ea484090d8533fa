// SPDX-License-Identifier: BSD-3-Clause
#include "fd_store.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HANDED "VBALLOON_TEST_HANDED"
#define STORED_MAX 256
#define NAME_BYTES 64
#define FIRST_FD 3
#define ASIDE 512 /* above all descriptors that a test has */
#define TRIES_MAX 20000 /* of a millisecond */
#define ALL_HEARD "VBALLOON_TEST_ALL_HEARD=1" /* said by the test itself */

static struct {
	int socket;
	pthread_t thread;
	pthread_mutex_t lock;
	struct sockaddr_un address;
	unsigned int asked, heard; /* by the test, whether all is heard that was told before */
	unsigned int count;
	struct {
		char name[NAME_BYTES];
		int fd;
	} stored[STORED_MAX];
} manager = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_same(int a, int b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b) == 0;
}

static unsigned int index_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < manager.count; i++) {
		if (!strcmp(manager.stored[i].name, name))
			break;
	}
	return i;
}

static void drop(const char *name)
{
	unsigned int i = index_of(name);

	if (i == manager.count)
		return;
	close(manager.stored[i].fd);
	manager.stored[i] = manager.stored[--manager.count];
}

static void store(const char *name, int fd)
{
	bool known = manager.count == STORED_MAX;

	for (unsigned int i = 0; i < manager.count; i++)
		known = known || is_same(manager.stored[i].fd, fd);
	if (known) {
		close(fd);
		return;
	}
	snprintf(manager.stored[manager.count].name, NAME_BYTES, "%s", name);
	manager.stored[manager.count++].fd = fd;
}

static void take(const char *text, int fd)
{
	const char *at = strstr(text, "FDNAME=");
	char name[NAME_BYTES] = "stored";

	if (at)
		sscanf(at, "FDNAME=%63[^\n]", name);
	pthread_mutex_lock(&manager.lock);
	if (!strcmp(text, ALL_HEARD))
		manager.heard++;
	else if (!strncmp(text, "FDSTOREREMOVE=1", strlen("FDSTOREREMOVE=1")))
		drop(name);
	else if (fd >= 0)
		store(name, fd);
	pthread_mutex_unlock(&manager.lock);
}

static void *listen_to(void *unused)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char text[4096];
	ssize_t got;

	(void)unused;
	do {
		struct iovec all = { .iov_base = text, .iov_len = sizeof(text) - 1 };
		struct msghdr msg = { .msg_iov = &all,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		struct cmsghdr *rights;
		int fd = -1;

		got = recvmsg(manager.socket, &msg, MSG_CMSG_CLOEXEC);
		text[got > 0 ? got : 0] = '\0';
		rights = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
		if (rights && rights->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
		take(text, fd);
	} while (got > 0);
	return NULL;
}

void fd_store_open(const char *path)
{
	manager.address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_true(strlen(path) < sizeof(manager.address.sun_path));
	memcpy(manager.address.sun_path, path, strlen(path) + 1);
	manager.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(manager.socket >= 0);
	assert_int_equal(
		bind(manager.socket, (struct sockaddr *)&manager.address, sizeof(manager.address)),
		0);
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	assert_int_equal(setenv("FDSTORE", "256", 1), 0);
	assert_int_equal(pthread_create(&manager.thread, NULL, listen_to, NULL), 0);
}

void fd_store_close(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("FDSTORE");
	unsetenv("LISTEN_FDNAMES");
	unsetenv(HANDED);
	/* It reads no bytes, and ends. */
	shutdown(manager.socket, SHUT_RD);
	pthread_join(manager.thread, NULL);
	close(manager.socket);
	while (manager.count)
		drop(manager.stored[0].name);
}

static unsigned int heard(void)
{
	unsigned int count;

	pthread_mutex_lock(&manager.lock);
	count = manager.heard;
	pthread_mutex_unlock(&manager.lock);
	return count;
}

/* Who is started next is started with all that the one before has told. */
static void hear_all(void)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	assert_int_equal(sendto(manager.socket, ALL_HEARD, strlen(ALL_HEARD), 0,
				(struct sockaddr *)&manager.address, sizeof(manager.address)),
			 strlen(ALL_HEARD));
	manager.asked++;
	for (unsigned int tries = 0; heard() != manager.asked; tries++) {
		assert_true(tries < 10 * TRIES_MAX);
		nanosleep(&pause, NULL);
	}
}

void fd_store_start(struct process *process, const char *self, const char *const *words,
		    const char *names, const int *sockets, unsigned int count)
{
	static char handed[STORED_MAX * 8], told[STORED_MAX * NAME_BYTES];
	const char *argv[24] = { self, FD_STORE_LAUNCH };
	unsigned int argc = 2;
	size_t len = 0, told_len;

	hear_all();
	pthread_mutex_lock(&manager.lock);
	told_len = (size_t)snprintf(told, sizeof(told), "%s", names);
	for (unsigned int i = 0; i < count; i++) {
		len += (size_t)snprintf(handed + len, sizeof(handed) - len, "%d ", sockets[i]);
		fcntl(sockets[i], F_SETFD, 0);
	}
	for (unsigned int i = 0; i < manager.count; i++) {
		len += (size_t)snprintf(handed + len, sizeof(handed) - len, "%d ",
					manager.stored[i].fd);
		told_len += (size_t)snprintf(told + told_len, sizeof(told) - told_len, ":%s",
					     manager.stored[i].name);
		fcntl(manager.stored[i].fd, F_SETFD, 0);
	}
	setenv(HANDED, handed, 1);
	setenv("LISTEN_FDNAMES", told, 1);
	while (*words && argc < 23)
		argv[argc++] = *words++;
	process_start(process, argv, -1);
	for (unsigned int i = 0; i < manager.count; i++)
		fcntl(manager.stored[i].fd, F_SETFD, FD_CLOEXEC);
	for (unsigned int i = 0; i < count; i++)
		fcntl(sockets[i], F_SETFD, FD_CLOEXEC);
	pthread_mutex_unlock(&manager.lock);
}

/* Give each its place, and be the program. */
static void launch(char **words)
{
	char *at = getenv(HANDED), text[24];
	int count = 0, fd, len;

	while (at && sscanf(at, "%d %n", &fd, &len) == 1) {
		if (dup3(fd, ASIDE + count++, O_CLOEXEC) < 0)
			_exit(127);
		at += len;
	}
	for (int i = 0; i < count; i++) {
		if (dup2(ASIDE + i, FIRST_FD + i) < 0)
			_exit(127);
	}
	close_range((unsigned int)(FIRST_FD + count), ~0U, 0);
	snprintf(text, sizeof(text), "%d", count);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	unsetenv(HANDED);
	if (getenv(FD_STORE_TRACED)) {
		unsetenv(FD_STORE_TRACED);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
	}
	execv(words[0], words);
	_exit(127);
}

void fd_store_main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], FD_STORE_LAUNCH))
		launch(argv + 2);
}

unsigned int fd_store_count(void)
{
	unsigned int count;

	pthread_mutex_lock(&manager.lock);
	count = manager.count;
	pthread_mutex_unlock(&manager.lock);
	return count;
}

void fd_store_await(unsigned int count)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (unsigned int tries = 0; fd_store_count() != count; tries++) {
		if (tries == TRIES_MAX)
			fail_msg("%u descriptors are stored, and not %u", fd_store_count(), count);
		nanosleep(&pause, NULL);
	}
}

int fd_store_find(const char *name)
{
	unsigned int i;
	int fd;

	pthread_mutex_lock(&manager.lock);
	i = index_of(name);
	fd = i < manager.count ? manager.stored[i].fd : -1;
	pthread_mutex_unlock(&manager.lock);
	return fd;
}

void fd_store_drop(const char *name)
{
	pthread_mutex_lock(&manager.lock);
	drop(name);
	pthread_mutex_unlock(&manager.lock);
}
