/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's process dies in the midst of its work, at any step that could tell, and
 * another goes on with what memory has of it. */
#ifndef SIM_DEATH_H
#define SIM_DEATH_H

#include "world.h"

/* This schedule has deaths. */
void death_plan(struct world *world, uint64_t seed);

/* Let the device run. False: it has died of it, and another has begun. */
bool death_run(struct world *world);

/* A step of the device: it may be its last. */
void death_step(struct world *world);

#endif /* SIM_DEATH_H */
