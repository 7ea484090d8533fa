/* SPDX-License-Identifier: BSD-3-Clause */
/* What the driver tells of itself. */
#include "driver/port/core.h"

void vballoon_guest_status(const struct vballoon_guest *guest,
			   struct vballoon_guest_status *status_out)
{
	*status_out = (struct vballoon_guest_status){
		.state = guest->life.state,
		.failure = guest->life.failure,
		.features = guest->features,
		.target_pages = guest->decide.target,
		.held_pages = guest->decide.held,
		.returned_pages = guest->returned,
		.starts = guest->life.starts,
		.failures = guest->life.failures,
		.bad_pages = guest->bad_pages,
	};
}

static const char *const texts[VBALLOON_GUEST_FAILURE_COUNT] = {
	[VBALLOON_GUEST_OK] = "nothing is wrong",
	[VBALLOON_GUEST_CANNOT_START] = "it could not be started",
	[VBALLOON_GUEST_BAD_RING] = "it wrote to a queue what cannot be",
	[VBALLOON_GUEST_HELLO_SHORT] = "it answered HELLO with too few bytes",
	[VBALLOON_GUEST_HELLO_HELD] = "it did not start over when told to",
	[VBALLOON_GUEST_ADD_VERDICT] = "it answered an ADD without a verdict on every entry",
	[VBALLOON_GUEST_WITHDRAW_LENGTH] = "it answered a WITHDRAW with a part of an entry",
	[VBALLOON_GUEST_WITHDRAW_MISALIGNED] = "it handed back what is no address of a unit",
	[VBALLOON_GUEST_WITHDRAW_NOT_HELD] = "it handed back what was not in the balloon",
	[VBALLOON_GUEST_EXCHANGE_VERDICT] =
		"it answered an EXCHANGE without a verdict on every pair",
	[VBALLOON_GUEST_EXCHANGE_NOT_HELD] = "it swapped what was not in the balloon",
	[VBALLOON_GUEST_WITHDRAW_MORE] = "it handed back more than it was asked for",
};

const char *vballoon_guest_failure_text(enum vballoon_guest_failure failure)
{
	return (unsigned int)failure < VBALLOON_GUEST_FAILURE_COUNT ? texts[failure] : texts[0];
}
