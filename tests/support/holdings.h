/* SPDX-License-Identifier: BSD-3-Clause */
/* All that this process holds open and mapped, to see that nothing is left. */
#ifndef VBALLOON_TESTS_HOLDINGS_H
#define VBALLOON_TESTS_HOLDINGS_H

struct holdings {
	unsigned int descriptors;
	unsigned int mappings; /* of memfds */
};

struct holdings holdings_now(void);
void holdings_assert(struct holdings before);

#endif /* VBALLOON_TESTS_HOLDINGS_H */
