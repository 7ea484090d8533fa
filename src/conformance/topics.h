/* SPDX-License-Identifier: BSD-3-Clause */
/* The topics by name; a new one is declared here and listed in topics.c. */
#ifndef VBALLOON_CONFORMANCE_TOPICS_H
#define VBALLOON_CONFORMANCE_TOPICS_H

#include "conformance/case.h"

extern const struct vballoon_topic vballoon_topic_ring_packed, vballoon_topic_report,
	vballoon_topic_exchange, vballoon_topic_requests, vballoon_topic_config,
	vballoon_topic_features, vballoon_topic_framing, vballoon_topic_hello, vballoon_topic_add,
	vballoon_topic_withdraw, vballoon_topic_stats, vballoon_topic_ring_split,
	vballoon_topic_front_end, vballoon_topic_front_end_values;

/* Of the traditional balloon. */
extern const struct vballoon_topic vballoon_topic_trad_config, vballoon_topic_trad_features,
	vballoon_topic_trad_queues, vballoon_topic_trad_inflate, vballoon_topic_trad_deflate,
	vballoon_topic_trad_stats, vballoon_topic_trad_hint, vballoon_topic_trad_report,
	vballoon_topic_trad_reset, vballoon_topic_trad_restart, vballoon_topic_trad_round,
	vballoon_topic_trad_host;

/* Of a driver. */
extern const struct vballoon_topic vballoon_topic_driver, vballoon_topic_driver_lies,
	vballoon_topic_driver_push, vballoon_topic_driver_report, vballoon_topic_driver_exchange,
	vballoon_topic_driver_ring_split, vballoon_topic_driver_ring_packed;

#endif /* VBALLOON_CONFORMANCE_TOPICS_H */
