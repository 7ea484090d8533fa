/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device calls: its ways to its embedder, all with a world as context. */
#ifndef SIM_HOOKS_H
#define SIM_HOOKS_H

#include "world.h"

void hooks_init(struct world *world);

#endif /* SIM_HOOKS_H */
