/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/space.h"

#include <string.h>

struct message {
	struct vhost_user_config head;
	uint8_t bytes[VHOST_USER_CONFIG_MAX + 8];
};

void vballoon_space_read(struct vballoon_trial *trial, uint32_t offset, void *bytes_out,
			 uint32_t size)
{
	struct message message = { .head = { .offset = offset, .size = size } };
	uint32_t len = (uint32_t)sizeof(message.head) + size;
	int ret = vballoon_link_send(&trial->front_end.link, VHOST_USER_GET_CONFIG, 0, &message,
				     len, NULL, 0);

	vballoon_trial_check(trial, ret, "GET_CONFIG");
	ret = vballoon_link_receive(&trial->front_end.link, VHOST_USER_GET_CONFIG, &message,
				    sizeof(message));
	vballoon_trial_check(trial, ret, "GET_CONFIG");
	vballoon_require(trial, ret == (int)len, "%u bytes at %u were answered with %d", size,
			 offset, ret - (int)sizeof(message.head));
	memcpy(bytes_out, message.bytes, size);
}

void vballoon_space_write(struct vballoon_trial *trial, uint32_t offset, const void *bytes,
			  uint32_t size)
{
	struct message message = { .head = { .offset = offset, .size = size } };
	int ret;

	memcpy(message.bytes, bytes, size);
	ret = vballoon_link_send(&trial->front_end.link, VHOST_USER_SET_CONFIG, 0, &message,
				 (uint32_t)sizeof(message.head) + size, NULL, 0);
	vballoon_trial_check(trial, ret, "SET_CONFIG");
}

void vballoon_space_impossible(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_space_range *range = how;
	struct message message = { .head = { .offset = range->offset, .size = range->size } };
	uint32_t len = range->size > 8 ? 8 : range->size;
	int ret = vballoon_link_send(&trial->front_end.link, VHOST_USER_GET_CONFIG, 0, &message,
				     (uint32_t)sizeof(message.head) + len, NULL, 0);

	vballoon_trial_check(trial, ret, "GET_CONFIG");
	ret = vballoon_link_receive(&trial->front_end.link, VHOST_USER_GET_CONFIG, &message,
				    sizeof(message));
	vballoon_require(trial, ret <= 0, "a range of %u bytes at %u was answered with %d bytes",
			 range->size, range->offset, ret);
}

void vballoon_space_same_features(struct vballoon_trial *trial, const void *how)
{
	uint64_t features;
	int ret = vballoon_link_get_u64(&trial->front_end.link, VHOST_USER_GET_FEATURES, &features);

	(void)how;
	vballoon_trial_check(trial, ret, "GET_FEATURES");
	vballoon_require(trial, features == trial->facts->features,
			 "it offers 0x%llx now and offered 0x%llx before",
			 (unsigned long long)features, (unsigned long long)trial->facts->features);
}
