/* SPDX-License-Identifier: BSD-3-Clause */
/* Lives begin and end: of drivers, kernels, devices, regions of memory. */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

/* A device without a record: the first, or one in place of another. */
void life_new_device(struct world *world);

/* Another device goes on from where the one before has died. */
void life_recover(struct world *world);

/* The guest loads its driver, which sets the device up. */
void life_load(struct world *world);

/* The device is set up: @features are negotiated, the queues of the driver run. */
void life_start(struct world *world, uint64_t features);
/* It is reset, and no more. */
void life_reset(struct world *world);
/* The driver does what it does when the device wants to be reset. */
void life_reset_wanted(struct world *world);

/* The driver goes, and the device is reset; with @boot, by another kernel, which has all memory. */
void life_end(struct world *world, bool boot);

/* The machine is paused, and goes on. The device cannot tell it from a reset. */
void life_pause(struct world *world);
void life_resume(struct world *world);

/* The operator wants another size. */
void life_set_target(struct world *world, uint64_t pages);

/* Something happens that ends or begins a life. */
void life_event(struct world *world);

#endif /* SIM_LIFE_H */
