/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance/kind.h"

static int ask_all(struct vballoon_link *link, struct vballoon_facts *facts)
{
	const uint64_t needed = VBALLOON_BIT(VHOST_USER_PROTOCOL_F_CONFIG);
	uint64_t wanted;
	int ret = vballoon_link_get_u64(link, VHOST_USER_GET_FEATURES, &facts->features);

	if (!ret)
		ret = vballoon_link_get_u64(link, VHOST_USER_GET_PROTOCOL_FEATURES,
					    &facts->protocol_features);
	if (ret)
		return ret;
	if (!(facts->protocol_features & needed))
		return -EOPNOTSUPP;
	wanted = needed | (facts->protocol_features & VBALLOON_BIT(VHOST_USER_PROTOCOL_F_MQ));
	ret = vballoon_link_send(link, VHOST_USER_SET_PROTOCOL_FEATURES, 0, &wanted, sizeof(wanted),
				 NULL, 0);
	facts->queues = facts->kind->queue_count;
	if (!ret && (wanted & VBALLOON_BIT(VHOST_USER_PROTOCOL_F_MQ)))
		ret = vballoon_link_get_u64(link, VHOST_USER_GET_QUEUE_NUM, &facts->queues);
	return ret ? ret : facts->kind->survey(link, facts);
}

bool vballoon_survey(struct vballoon_subject *subject, int timeout_ms,
		     struct vballoon_facts *facts_out, char *why_out, size_t size)
{
	struct vballoon_link link = { .timeout_ms = timeout_ms };
	int ret;

	link.socket = vballoon_subject_connect(subject, timeout_ms);
	if (link.socket < 0) {
		if (vballoon_subject_lives(subject, why_out, size) || !subject->owned)
			snprintf(why_out, size, "%s: %s", subject->path, strerror(-link.socket));
		return false;
	}
	ret = ask_all(&link, facts_out);
	close(link.socket);
	if (ret) {
		snprintf(why_out, size, "%s",
			 ret == -EOPNOTSUPP
				 ? "it does not offer the protocol feature CONFIG, so that "
				   "its page size cannot be asked for"
				 : strerror(-ret));
		return false;
	}
	if (facts_out->config.page_shift >= VIRTIO_MEMORY_BALLOON_SHIFT_MIN &&
	    facts_out->config.page_shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX)
		return true;
	snprintf(why_out, size,
		 "its page_shift is %u, where DEV-CONF-3 has 12 to 30: is it a memory balloon?",
		 facts_out->config.page_shift);
	return false;
}
