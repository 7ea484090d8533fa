/* SPDX-License-Identifier: BSD-3-Clause */
#include "liar_fixture.h"

static struct port_liar liar;

int liar_set_up(void **state)
{
	port_liar_init(&liar, ALL, 12);
	*state = &liar;
	return 0;
}

int liar_set_up_filled(void **state)
{
	liar_set_up(state);
	port_liar_fill(&liar, 100);
	return 0;
}

int liar_set_up_base(void **state)
{
	port_liar_init(&liar, 0, 12);
	*state = &liar;
	port_liar_fill(&liar, 100);
	return 0;
}

int liar_set_up_reporting(void **state)
{
	port_liar_init(&liar, ALL - BIT(ZEROED), 12);
	*state = &liar;
	port_liar_fill(&liar, 100);
	return 0;
}

int liar_set_up_small(void **state)
{
	port_liar_init_queue(&liar, ALL, 12, VBALLOON_GUEST_TODEV_MIN);
	*state = &liar;
	port_liar_fill(&liar, 100);
	return 0;
}

int liar_tear_down(void **state)
{
	port_liar_destroy(*state);
	return 0;
}
