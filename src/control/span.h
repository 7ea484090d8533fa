/* SPDX-License-Identifier: BSD-3-Clause */
/* Spans of time as people write them: 10s, 500ms, 5m, 2h. */
#ifndef VBALLOON_CONTROL_SPAN_H
#define VBALLOON_CONTROL_SPAN_H

#include <stdint.h>

/* What is to be said to a person whose span could not be read. */
#define VBALLOON_SPAN_HELP "give a whole number with ms, s, m or h, such as 500ms or 10s"

/* Read @text into @ms_out. A number alone is seconds. 0; -EINVAL: it is no span;
 * -ERANGE: it is beyond 2^64 - 1 ms. @ms_out is written on success only. */
int vballoon_span_parse(const char *text, uint64_t *ms_out);

#endif /* VBALLOON_CONTROL_SPAN_H */
