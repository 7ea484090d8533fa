/* SPDX-License-Identifier: BSD-3-Clause */
/* The host of the small world: it does what the device asks for, fails now and then, and ends the run
 * over a page that is not the device's. */
#ifndef SIM_TRADITIONAL_HOST_H
#define SIM_TRADITIONAL_HOST_H

#include <vballoon/device.h>

/* Have the device ask this host. */
void host_prepare(struct vballoon_reclaim_ops *reclaim);

#endif /* SIM_TRADITIONAL_HOST_H */
