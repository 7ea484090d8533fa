/* SPDX-License-Identifier: BSD-3-Clause */
/* What a back end keeps, and the one that goes on after it has died takes. */
#include "proto_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/relay.h"

#define LOG_ALL (FRONT_END_FEATURES | UINT64_C(1) << VHOST_F_LOG_ALL)
#define LOG_BYTES 4096

/* What a process that has died leaves: all that it had kept, as nobody has had it forgotten. */
static struct {
	char name[32];
	int fd;
} left[4];

static int left_keep(void *context, const char *name, int fd)
{
	(void)context;
	for (unsigned int i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		if (*left[i].name && strcmp(left[i].name, name) != 0)
			continue;
		if (*left[i].name)
			close(left[i].fd);
		snprintf(left[i].name, sizeof(left[i].name), "%s", name);
		left[i].fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return 0;
	}
	return -ENOSPC;
}

static void left_forget(void *context, const char *name)
{
	(void)context;
	(void)name;
}

static int left_find(void *context, const char *name)
{
	(void)context;
	for (unsigned int i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		if (*left[i].name && !strcmp(left[i].name, name))
			return fcntl(left[i].fd, F_DUPFD_CLOEXEC, 0);
	}
	return -1;
}

/* Under this name there is nothing; NULL: under none. */
static void left_lose(const char *name)
{
	for (unsigned int i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		if (!*left[i].name || (name && strcmp(left[i].name, name) != 0))
			continue;
		close(left[i].fd);
		*left[i].name = '\0';
	}
}

/* A message of the front end's, as a relay passes it on; and the back end takes it. */
static void relay(struct vballoon_vhost_user *back_end, int socket, uint64_t answered,
		  uint32_t request, const void *payload, uint32_t size, int fd)
{
	struct {
		struct vballoon_relay_header announced;
		struct vballoon_relay_next next;
		struct vhost_user_header header;
		uint8_t payload[16];
	} __attribute__((packed)) sent = {
		.announced = { VBALLOON_RELAY_NEXT, VBALLOON_RELAY_VERSION, sizeof(sent.next) },
		.next = { answered, 0 },
		.header = { .request = request, .flags = VHOST_USER_VERSION, .size = size },
	};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec all = { &sent, sizeof(sent) - sizeof(sent.payload) + size };
	struct msghdr msg = { .msg_iov = &all, .msg_iovlen = 1 };

	memcpy(sent.payload, payload, size);
	if (fd >= 0) {
		struct cmsghdr *rights;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(socket, &msg, MSG_NOSIGNAL), all.iov_len);
	assert_true(vballoon_vhost_user_process(back_end) >= 0);
}

/* A back end with a log, whose front end has acked @features, dies. Returns what becomes of the
 * next one, for which the log is there only if @has_log. */
static int outcome_after_a_death(uint64_t features, bool has_log)
{
	static const struct vballoon_vhost_user_keeper keeper = { left_keep, left_forget,
								  left_find };
	const struct vballoon_vhost_user_config config = {
		.page_shift = 12,
		.features = vballoon_device_features_max(),
		.keeper = &keeper,
	};
	const struct vhost_user_log log = { .mmap_size = LOG_BYTES };
	const uint64_t protocol = UINT64_C(1) << VHOST_USER_PROTOCOL_F_LOG_SHMFD;
	struct vballoon_vhost_user *back_end = NULL;
	int fd = memfd_create("log", MFD_CLOEXEC);
	int ends[2], outcome;

	assert_int_equal(ftruncate(fd, LOG_BYTES), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(vballoon_vhost_user_new(&config, ends[1], &back_end), 0);
	relay(back_end, ends[0], 0, VHOST_USER_SET_PROTOCOL_FEATURES, &protocol, sizeof(protocol),
	      -1);
	relay(back_end, ends[0], 1, VHOST_USER_SET_LOG_BASE, &log, sizeof(log), fd);
	relay(back_end, ends[0], 2, VHOST_USER_SET_FEATURES, &features, sizeof(features), -1);
	vballoon_vhost_user_free(back_end);
	close(ends[0]);
	close(fd);

	if (!has_log)
		left_lose("log");
	back_end = NULL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	outcome = vballoon_vhost_user_recover(&config, ends[1], &back_end);
	vballoon_vhost_user_free(back_end);
	close(ends[0]);
	left_lose(NULL);
	return outcome;
}

/* What it writes would not be where the guest moves to, and nobody would know. */
static void nobody_goes_on_without_the_log_that_is_wanted(void **state)
{
	(void)state;
	assert_int_equal(outcome_after_a_death(LOG_ALL, true), 0);
	assert_int_equal(outcome_after_a_death(LOG_ALL, false), -EINVAL);
	assert_int_equal(outcome_after_a_death(FRONT_END_FEATURES, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_goes_on_without_the_log_that_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
