/* SPDX-License-Identifier: BSD-3-Clause */
/* How the control protocol calls what the wire has numbers for. */
#ifndef VBALLOON_DAEMON_NAMES_H
#define VBALLOON_DAEMON_NAMES_H

#include <jansson.h>
#include <stdint.h>

/* @return an array of the names of feature bits, a new reference. */
json_t *vballoon_names_of_features(uint64_t features);

/* @return the name of a statistic, by its tag, below VIRTIO_MEMORY_BALLOON_S_COUNT. */
const char *vballoon_names_statistic(unsigned int tag);

#endif /* VBALLOON_DAEMON_NAMES_H */
