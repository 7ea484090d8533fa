// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/access.h"

#define SELF 1000
#define OTHER 1001
#define GROUP 500

static const struct vballoon_access alone = { VBALLOON_NO_MODE, VBALLOON_NO_GROUP };
static const struct vballoon_access shared = { VBALLOON_NO_MODE, GROUP };

static void root_and_the_daemons_own_user_may(void **state)
{
	struct vballoon_peer root = { .uid = 0, .gid = 0 };
	struct vballoon_peer self = { .uid = SELF, .gid = 7 };

	(void)state;
	assert_true(vballoon_access_permits(&alone, SELF, &root));
	assert_true(vballoon_access_permits(&alone, SELF, &self));
}

static void another_user_may_not(void **state)
{
	struct vballoon_peer other = { .uid = OTHER, .gid = SELF };

	(void)state;
	assert_false(vballoon_access_permits(&alone, SELF, &other));
	assert_false(vballoon_access_permits(&shared, SELF, &other));
}

static void a_member_by_its_primary_group_may(void **state)
{
	struct vballoon_peer member = { .uid = OTHER, .gid = GROUP };

	(void)state;
	assert_true(vballoon_access_permits(&shared, SELF, &member));
}

static void a_member_by_a_supplementary_group_may(void **state)
{
	gid_t groups[] = { 4, GROUP };
	struct vballoon_peer member = {
		.uid = OTHER, .gid = 7, .groups = groups, .groups_count = 2
	};

	(void)state;
	assert_true(vballoon_access_permits(&shared, SELF, &member));
	member.groups_count = 1;
	assert_false(vballoon_access_permits(&shared, SELF, &member));
}

/* (gid_t)-1 stands for no group: a process that shows it is a member of nothing. */
static void no_group_has_no_members(void **state)
{
	gid_t groups[] = { VBALLOON_NO_GROUP };
	struct vballoon_peer member = {
		.uid = OTHER, .gid = VBALLOON_NO_GROUP, .groups = groups, .groups_count = 1
	};

	(void)state;
	assert_false(vballoon_access_permits(&alone, SELF, &member));
}

static void the_mode_follows_the_group_unless_it_is_given(void **state)
{
	struct vballoon_access given = { 0666, GROUP };

	(void)state;
	assert_int_equal(vballoon_access_mode(&alone), 0600);
	assert_int_equal(vballoon_access_mode(&shared), 0660);
	assert_int_equal(vballoon_access_mode(&given), 0666);
}

static void the_kernel_tells_who_connected(void **state)
{
	gid_t groups[256];
	int count = getgroups(256, groups);
	struct vballoon_peer peer;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(vballoon_peer_of(ends[0], &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.gid, getegid());
	assert_int_equal(peer.groups_count, count);
	vballoon_peer_free(&peer);
	close(ends[0]);
	close(ends[1]);
}

static void what_is_no_unix_socket_has_no_peer(void **state)
{
	struct vballoon_peer peer;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(vballoon_peer_of(ends[0], &peer) < 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_and_the_daemons_own_user_may),
		cmocka_unit_test(another_user_may_not),
		cmocka_unit_test(a_member_by_its_primary_group_may),
		cmocka_unit_test(a_member_by_a_supplementary_group_may),
		cmocka_unit_test(no_group_has_no_members),
		cmocka_unit_test(the_mode_follows_the_group_unless_it_is_given),
		cmocka_unit_test(the_kernel_tells_who_connected),
		cmocka_unit_test(what_is_no_unix_socket_has_no_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
