/* SPDX-License-Identifier: BSD-3-Clause */
/* What both devices keep of their own in a saved state; docs/state-format.md. */
#ifndef VBALLOON_DEVICE_OWN_PART_H
#define VBALLOON_DEVICE_OWN_PART_H

#include "state/saved.h"

enum {
	AT_OWN_REQUESTS = 0, /* u32, bits of those below */
	AT_OWN_COOKIE = 4, /* u32, of the newest STATS */
	AT_OWN_REPORT_ID = 8, /* u64, of the newest REPORT */
	AT_OWN_ASKED = 16, /* u64, balloon pages: what the last RESIZE says, or the next */
	AT_OWN_PERIOD_MS = 24, /* u32, of pushed statistics */
	OWN_BYTES = 32,
	OWN_BYTES_MAX = 64, /* with struct vballoon_protocol.own_bytes */
};

enum {
	OWN_RESIZE = 1 << 0, /* to be sent, each of these */
	OWN_STATS = 1 << 1,
	OWN_STATS_ASKED = 1 << 2, /* sent, and not answered */
	OWN_REPORT = 1 << 3,
	OWN_REPORT_ASKED = 1 << 4,
	OWN_PERIOD = 1 << 5, /* STATS is to tell the period */
	OWN_COUNT_LOST = 1 << 6, /* HELLO is to be asked for: pages went with their memory */
	OWN_REQUESTS_KNOWN = (1 << 7) - 1, /* all of them */
};

#endif /* VBALLOON_DEVICE_OWN_PART_H */
