/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine moves to another host: its memory is copied, its device goes on. */
#ifndef SIM_MOVE_H
#define SIM_MOVE_H

#include "world.h"

/* At any time, whatever the guest is in the midst of. It must not notice. */
void move_machine(struct world *world);

#endif /* SIM_MOVE_H */
