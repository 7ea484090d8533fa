/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Features as JSON: what a device offers and what was negotiated, as `features` answers
 * and a file of it says.
 *
 *   {"device": 13, "revision": 1, "page_bytes": 4096, "offered": ["page-runs", ...],
 *    "negotiated": ["page-runs", ...]}
 *
 * A bit without a name is "bit-40". Without a driver "negotiated" is null.
 */
#ifndef VBALLOON_CONTROL_FEATURE_SET_H
#define VBALLOON_CONTROL_FEATURE_SET_H

#include <jansson.h>
#include <stdint.h>

#include <vballoon/migration.h>

/* What is wrong with one fits. */
#define VBALLOON_FEATURE_SET_COMPLAINT_BYTES 192

/* An array of the names of the feature bits of virtio device @device; a new reference, as
 * below, or NULL when memory is short. */
json_t *vballoon_feature_set_names(uint32_t device, uint64_t bits);

json_t *vballoon_feature_set_json(const struct vballoon_feature_set *set);

/* Read one. Returns 0; -1 with @complaint a clause on what is wrong. Members that are not
 * known are passed over. */
int vballoon_feature_set_read(const json_t *object, struct vballoon_feature_set *set_out,
			      char complaint[VBALLOON_FEATURE_SET_COMPLAINT_BYTES]);

#endif /* VBALLOON_CONTROL_FEATURE_SET_H */
