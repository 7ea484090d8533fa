/* SPDX-License-Identifier: BSD-3-Clause */
/* How soon a worker follows one that died: at once as a rule, later if it is to no avail. */
#ifndef VBALLOON_SUPERVISOR_PACE_H
#define VBALLOON_SUPERVISOR_PACE_H

#include <stdint.h>

/* A worker that was ready for so long, or has answered a message, was worth its start. */
#define VBALLOON_PACE_WORTH_MS 50
/* So many in a row that were not are followed at once, */
#define VBALLOON_PACE_FREE 16
/* and after so many of them there is no other. */
#define VBALLOON_PACE_MAX 48
/* Another program has so long to become ready, and then so long to show that it does not end at
 * once: on a host that is busy it may need much of that to come to its end. */
#define VBALLOON_PACE_TRIAL_MS 5000U
#define VBALLOON_PACE_SETTLE_MS 500
/* A message that has ended so many is given to no other. */
#define VBALLOON_PACE_MESSAGE_MAX 8

/* How long to wait after @vain workers in a row, in milliseconds: 10, doubled each time, up to
 * a second. */
static inline uint64_t vballoon_pace_wait_ms(unsigned int vain)
{
	unsigned int doubled = vain - VBALLOON_PACE_FREE - 1;

	if (vain <= VBALLOON_PACE_FREE)
		return 0;
	return doubled < 7 ? UINT64_C(10) << doubled : 1000;
}

#endif /* VBALLOON_SUPERVISOR_PACE_H */
