/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feature bits by name: the one table for what is set (--features), shown (status)
 * and printed (--print-capabilities).
 *
 * A choice is a list of names with commas: "all", "none", or "page-runs,push-stats";
 * a name with a minus leaves that one out, "all,-exchange". A list that begins with a
 * minus leaves out of all.
 */
#ifndef VBALLOON_CONTROL_FEATURE_NAMES_H
#define VBALLOON_CONTROL_FEATURE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* What is wrong with a choice fits. */
#define VBALLOON_FEATURES_COMPLAINT_BYTES 192

/* Returns the name of a feature bit of virtio device @device, or NULL when it has none. */
const char *vballoon_feature_name(unsigned int device, unsigned int bit);

/* Returns the bit that has this name there, or -1. */
int vballoon_feature_bit(unsigned int device, const char *name);

/* Read a choice among the bits of @available of virtio device @device; what has to be there
 * (version-1) always is. Returns 0 with @features_out filled in; -1 with @complaint a clause on what is
 * wrong and what to do. */
int vballoon_features_parse(unsigned int device, const char *text, uint64_t available,
			    uint64_t *features_out,
			    char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES]);

#endif /* VBALLOON_CONTROL_FEATURE_NAMES_H */
