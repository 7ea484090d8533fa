// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <jansson.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/call_filter.h"
#include "daemon/log.h"
#include "daemon/lookout.h"
#include "daemon/sandbox.h"

/* What finds mistakes while the program runs makes calls of its own. */
#if defined(VBALLOON_INSTRUMENTED)
#define INSTRUMENTED true
#else
#define INSTRUMENTED false
#endif

static const char *const modes[] = {
	[VBALLOON_SANDBOX_AUTO] = "auto",
	[VBALLOON_SANDBOX_ON] = "on",
	[VBALLOON_SANDBOX_OFF] = "off",
};

static bool standing[VBALLOON_WALLS];

const char *vballoon_sandbox_parse(const char *text, enum vballoon_sandbox_mode *mode_out)
{
	unsigned int mode;

	for (mode = 0; mode < sizeof(modes) / sizeof(modes[0]); mode++) {
		if (!strcmp(text, modes[mode])) {
			*mode_out = mode;
			return NULL;
		}
	}
	return "it is not known: say auto, on or off";
}

bool vballoon_sandbox_has(enum vballoon_sandbox_wall wall)
{
	return standing[wall];
}

/* All that is checked by capability fails from now on, and no program that is run gets any. A
 * service manager that has seen to it may forbid the call. */
static int give_up_privileges(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3];
	uint32_t any = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(__NR_capget, &header, has))
		return -errno;
	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		any |= has[i].effective | has[i].permitted | has[i].inheritable;
	memset(has, 0, sizeof(has));
	return any && syscall(__NR_capset, &header, has) ? -errno : 0;
}

static int leave_users(void)
{
	return unshare(CLONE_NEWUSER) ? -errno : 0;
}

static int leave_network(void)
{
	return unshare(CLONE_NEWNET) ? -errno : 0;
}

/* Rights that Landlock knows, by its version. A new one that is not here stays allowed. */
#define LANDLOCK_FILES_1 UINT64_C(0x1fff)
#define LANDLOCK_FILES_2 UINT64_C(0x3fff)
#define LANDLOCK_FILES_3 UINT64_C(0x7fff)
#define LANDLOCK_FILES_5 UINT64_C(0xffff)
#define LANDLOCK_TCP UINT64_C(0x3)
#define LANDLOCK_SCOPES UINT64_C(0x3)

static int leave_files(void)
{
	struct {
		uint64_t files, network, scopes;
	} rights = { LANDLOCK_FILES_1, 0, 0 };
	long version = syscall(__NR_landlock_create_ruleset, NULL, 0, 1);
	long ruleset;
	int error = 0;

	if (version < 0)
		return -errno;
	if (version >= 2)
		rights.files = version >= 5   ? LANDLOCK_FILES_5
			       : version >= 3 ? LANDLOCK_FILES_3
					      : LANDLOCK_FILES_2;
	if (version >= 4)
		rights.network = LANDLOCK_TCP;
	if (version >= 6)
		rights.scopes = LANDLOCK_SCOPES;
	ruleset = syscall(__NR_landlock_create_ruleset, &rights, sizeof(rights), 0);
	if (ruleset < 0)
		return -errno;
	if (syscall(__NR_landlock_restrict_self, ruleset, 0))
		error = -errno;
	close((int)ruleset);
	return error;
}

static int limit_calls(void)
{
	return vballoon_call_filter_install(vballoon_daemon_calls, vballoon_daemon_calls_count);
}

static int limit_calls_to_one_front_end(void)
{
	size_t first = vballoon_connect_calls_count;

	return vballoon_call_filter_install(vballoon_daemon_calls + first,
					    vballoon_daemon_calls_count - first);
}

/* In the order in which they are put up: each takes what the next ones forbid. */
static const struct {
	const char *name;
	enum vballoon_sandbox_wall wall;
	int (*put_up)(void);
} walls[VBALLOON_WALLS] = {
	{ "user-namespace", VBALLOON_WALL_USER, leave_users },
	{ "network-namespace", VBALLOON_WALL_NETWORK, leave_network },
	{ "no-privileges", VBALLOON_WALL_PRIVILEGES, give_up_privileges },
	{ "landlock", VBALLOON_WALL_FILES, leave_files },
	{ "seccomp", VBALLOON_WALL_CALLS, limit_calls },
};

const char *vballoon_sandbox_wall_name(enum vballoon_sandbox_wall wall)
{
	for (unsigned int i = 0; i < VBALLOON_WALLS; i++) {
		if (walls[i].wall == wall)
			return walls[i].name;
	}
	return "";
}

/* What libraries do the first time, or now and then, in ways that they need not. */
static void prepare_libraries(void)
{
	json_object_seed(0); /* reads /dev/urandom */
	mallopt(M_MMAP_MAX, 0); /* else it remaps */
	(void)strerror(ENOENT);
}

static int cannot(const char *what, int error)
{
	vballoon_log(LOG_ERR,
		     "cannot start: --sandbox on: %s: %s: let the host permit it, or say "
		     "--sandbox auto",
		     what, strerror(-error));
	return -1;
}

int vballoon_sandbox_enter(enum vballoon_sandbox_mode mode,
			   const struct vballoon_socket *const *sockets, bool front_ends)
{
	int error;

	if (mode == VBALLOON_SANDBOX_OFF || (mode == VBALLOON_SANDBOX_AUTO && INSTRUMENTED))
		return 0;
	if (INSTRUMENTED)
		return cannot("this program was built to find mistakes", -EOPNOTSUPP);
	prepare_libraries();
	error = vballoon_lookout_start(sockets);
	if (error) {
		vballoon_log(LOG_ERR, "cannot start: no process to look out for the sandbox: %s",
			     strerror(-error));
		return -1;
	}
	for (unsigned int i = 0; i < VBALLOON_WALLS; i++) {
		error = walls[i].wall == VBALLOON_WALL_CALLS && !front_ends
				? limit_calls_to_one_front_end()
				: walls[i].put_up();
		standing[walls[i].wall] = !error;
		if (!error)
			continue;
		if (mode == VBALLOON_SANDBOX_ON)
			return cannot(walls[i].name, error);
		vballoon_log(LOG_NOTICE, "the sandbox is without %s: %s", walls[i].name,
			     strerror(-error));
	}
	return 0;
}
