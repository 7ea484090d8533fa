/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory is plugged into the running machine, and pulled out again. */
#ifndef SIM_PLUG_H
#define SIM_PLUG_H

#include "world.h"

/* Plug or unplug one region other than the boot memory, if it can be. */
void plug_change(struct world *world);

#endif /* SIM_PLUG_H */
