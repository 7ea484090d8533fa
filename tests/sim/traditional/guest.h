/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver of the small world: each of these is one thing that it may do, with pages at random; it
 * does nothing where there are none, or the queue is full. */
#ifndef SIM_TRADITIONAL_GUEST_H
#define SIM_TRADITIONAL_GUEST_H

#include "world.h"

/* The next list of a queue; NULL: there is no room. */
struct list *guest_open_list(unsigned int queue);

void guest_inflate(void);
void guest_deflate(void);
void guest_use_in_silence(void);
void guest_deflate_what_is_not_held(void);
void guest_stats(void);

void guest_report(void);
void guest_report_what_is_held(void);
/* A round of hints. */
void guest_hint(void);
void guest_collect_hints(void);

/* Take the answers that are there. */
void guest_collect(void);

#endif /* SIM_TRADITIONAL_GUEST_H */
