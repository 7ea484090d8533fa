/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the portable driver's features begin with: a device that lies. */
#ifndef VBALLOON_TESTS_LIAR_FIXTURE_H
#define VBALLOON_TESTS_LIAR_FIXTURE_H

#include "port_liar.h"

#define BIT(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define ALL (BIT(ZEROED) * 2 - 1)
#define MSG(name) VIRTIO_MEMORY_BALLOON_MSG_##name
#define REQ(name) VIRTIO_MEMORY_BALLOON_REQ_##name
#define PAGE UINT64_C(4096)
/* Free while a hundred pages from PORT_LOW on are in the balloon. */
#define FREE PORT_HIGH

/* *@state is a struct port_liar that offers every feature. */
int liar_set_up(void **state);
/* The same, and those hundred pages are in the balloon. */
int liar_set_up_filled(void **state);
/* Likewise, but no feature is offered; all but F_ZEROED; or the queue is the smallest. */
int liar_set_up_base(void **state);
int liar_set_up_reporting(void **state);
int liar_set_up_small(void **state);
int liar_tear_down(void **state);

#define LIAR_TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, liar_tear_down)

#endif /* VBALLOON_TESTS_LIAR_FIXTURE_H */
