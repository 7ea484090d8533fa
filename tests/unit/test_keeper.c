// SPDX-License-Identifier: BSD-3-Clause
/* What a worker does about its supervisor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/keeper.h"
#include "supervisor/relay.h"

#define RETURNED 1

/* A worker that has something kept: the supervisor's end of the keeper. */
static int start_worker(pid_t *worker_out)
{
	char text[16];
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	*worker_out = fork();
	assert_true(*worker_out >= 0);
	if (*worker_out) {
		close(ends[1]);
		return ends[0];
	}
	close(ends[0]);
	snprintf(text, sizeof(text), "%d", ends[1]);
	setenv(VBALLOON_ENV_KEEPER, text, 1);
	setenv(VBALLOON_ENV_KEPT, "", 1);
	vballoon_keeper_init();
	vballoon_keeper_keep("something", ends[1]);
	_exit(RETURNED);
}

static void assert_ends(pid_t worker, int with)
{
	int status;

	assert_int_equal(waitpid(worker, &status, 0), worker);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), with);
}

static void what_is_kept_is_waited_for(void **state)
{
	pid_t worker;
	int keeper = start_worker(&worker);

	(void)state;
	assert_int_equal(send(keeper, VBALLOON_KEEPER_KEPT, 1, 0), 1);
	assert_ends(worker, RETURNED);
	close(keeper);
}

/* Whatever it had not read yet is lost with it. */
static void a_worker_writes_nothing_that_its_supervisor_may_not_have_heard(void **state)
{
	struct pollfd input = { .events = POLLIN };
	pid_t worker;

	(void)state;
	input.fd = start_worker(&worker);
	assert_int_equal(poll(&input, 1, -1), 1);
	close(input.fd);
	assert_ends(worker, VBALLOON_WORKER_LOST);
	close(start_worker(&worker));
	assert_ends(worker, VBALLOON_WORKER_LOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_waited_for),
		cmocka_unit_test(a_worker_writes_nothing_that_its_supervisor_may_not_have_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
