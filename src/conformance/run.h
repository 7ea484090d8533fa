/* SPDX-License-Identifier: BSD-3-Clause */
/* Running the cases: every setting, every topic, every case. */
#ifndef VBALLOON_CONFORMANCE_RUN_H
#define VBALLOON_CONFORMANCE_RUN_H

#include "conformance/options.h"

/* Run what was asked for, against a device, or against a driver. Returns the exit code. */
int vballoon_run(const struct vballoon_options *options);
int vballoon_run_driver(const struct vballoon_options *options);

#endif /* VBALLOON_CONFORMANCE_RUN_H */
