/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration space, by vhost-user's messages; and what holds of either device's. */
#ifndef VBALLOON_CONFORMANCE_SPACE_H
#define VBALLOON_CONFORMANCE_SPACE_H

#include "conformance/trial.h"

/* A stretch of it; what cases of the topics have in @how. */
struct vballoon_space_range {
	uint32_t offset, size;
};

/* Read @size bytes at @offset, which have to come; write them. At most VHOST_USER_CONFIG_MAX. */
void vballoon_space_read(struct vballoon_trial *trial, uint32_t offset, void *bytes_out,
			 uint32_t size);
void vballoon_space_write(struct vballoon_trial *trial, uint32_t offset, const void *bytes,
			  uint32_t size);

/* A case: a read that no space has is refused, or answered with nothing. */
void vballoon_space_impossible(struct vballoon_trial *trial, const void *how);

/* A case: two connections are offered the same features. */
void vballoon_space_same_features(struct vballoon_trial *trial, const void *how);

#endif /* VBALLOON_CONFORMANCE_SPACE_H */
