/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/topics.h"

const struct vballoon_topic *const vballoon_topics[] = {
	&vballoon_topic_config,
	&vballoon_topic_features,
	&vballoon_topic_framing,
	&vballoon_topic_requests,
	&vballoon_topic_hello,
	&vballoon_topic_add,
	&vballoon_topic_withdraw,
	&vballoon_topic_stats,
	&vballoon_topic_exchange,
	&vballoon_topic_report,
	&vballoon_topic_ring_split,
	&vballoon_topic_ring_packed,
	&vballoon_topic_front_end,
	&vballoon_topic_front_end_values,
	&vballoon_topic_driver,
	&vballoon_topic_driver_lies,
	&vballoon_topic_driver_push,
	&vballoon_topic_driver_report,
	&vballoon_topic_driver_exchange,
	&vballoon_topic_driver_ring_split,
	&vballoon_topic_driver_ring_packed,
	NULL,
};
