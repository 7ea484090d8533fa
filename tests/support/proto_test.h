/* SPDX-License-Identifier: BSD-3-Clause */
/* What every test of a conversation begins and ends with. */
#ifndef VBALLOON_TESTS_PROTO_TEST_H
#define VBALLOON_TESTS_PROTO_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "balloon_driver.h"
#include "front_end.h"

/* *state is a front end: just connected, or with both queues running. */
static inline int connect_set_up(void **state)
{
	static struct front_end front_end;

	front_end_open(&front_end);
	*state = &front_end;
	return 0;
}

static inline int running_set_up(void **state)
{
	connect_set_up(state);
	front_end_start(*state);
	return 0;
}

static inline int proto_tear_down(void **state)
{
	front_end_close(*state);
	return 0;
}

#define CONNECTED_TEST(name) cmocka_unit_test_setup_teardown(name, connect_set_up, proto_tear_down)
#define RUNNING_TEST(name) cmocka_unit_test_setup_teardown(name, running_set_up, proto_tear_down)

static inline struct vballoon_status device_status(struct front_end *front_end)
{
	struct vballoon_status status;

	vballoon_device_status(vballoon_vhost_user_device(front_end->back_end), &status);
	return status;
}

static inline struct vballoon_vhost_user_status back_end_status(struct front_end *front_end)
{
	struct vballoon_vhost_user_status status;

	vballoon_vhost_user_status(front_end->back_end, &status);
	return status;
}

#endif /* VBALLOON_TESTS_PROTO_TEST_H */
