/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must be possible, or a model would hold in vain. The run looks for each point alone: it
 * says which is SOUGHT, and that one must be found.
 */
mtype = { nowhere };

#ifndef SOUGHT
#define SOUGHT nowhere
#endif

#define REACHED(point) assert(point != SOUGHT)
