/* SPDX-License-Identifier: BSD-3-Clause */
/* How the control protocol calls what the wire has numbers for. */
#ifndef VBALLOON_DAEMON_NAMES_H
#define VBALLOON_DAEMON_NAMES_H

#include <vballoon/abi/memory_balloon.h>

#define VBALLOON_NAMES_STATISTICS                                                                  \
	(VIRTIO_MEMORY_BALLOON_S_COUNT + VIRTIO_MEMORY_BALLOON_S_OWN_COUNT)

/* @return the name of a statistic, by its place in struct vballoon_stats, below
 * VBALLOON_NAMES_STATISTICS. */
const char *vballoon_names_statistic(unsigned int place);

#endif /* VBALLOON_DAEMON_NAMES_H */
