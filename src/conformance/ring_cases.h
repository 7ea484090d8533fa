/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of the topics of split and of packed rings. Each topic has a struct row of its own, and
 * functions that play one: stops() and is_used(). */
#ifndef VBALLOON_CONFORMANCE_RING_CASES_H
#define VBALLOON_CONFORMANCE_RING_CASES_H

#include "conformance/trial.h"

#define ROW(...)                                                                                   \
	&(const struct row)                                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define GREETED(its_name, its_clause, function, argument, is_negative, its_needs, its_lacks)       \
	{                                                                                          \
		its_name, its_clause, function, argument, is_negative, VBALLOON_STAGE_GREETED,     \
			its_needs, its_lacks                                                       \
	}
#define STOPS(its_name, its_clause, ...)                                                           \
	GREETED(its_name, its_clause, stops, ROW(__VA_ARGS__), true, 0, 0)
#define INDIRECTLY(its_name, its_clause, ...)                                                      \
	GREETED(its_name, its_clause, stops, ROW(__VA_ARGS__), true,                               \
		VBALLOON_VIRTIO_INDIRECT_DESC, 0)
#define USED(its_name, its_clause, its_needs, ...)                                                 \
	GREETED(its_name, its_clause, is_used, ROW(__VA_ARGS__), false, its_needs, 0)

#endif /* VBALLOON_CONFORMANCE_RING_CASES_H */
