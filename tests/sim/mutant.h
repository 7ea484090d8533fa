/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults that the oracle must find, planted in the simulated guest and host.
 * Those of the device itself are made at build time: see mutate.py.
 */
#ifndef SIM_MUTANT_H
#define SIM_MUTANT_H

enum mutant {
	MUTANT_NONE,
	MUTANT_GUEST_TOUCHES_EARLY, /* uses a page between ADD and its answer */
	MUTANT_GUEST_FREES_ACCEPTED, /* takes a yes for a no */
	MUTANT_GUEST_SKIPS_HELLO, /* the first message after a reset is another */
	MUTANT_GUEST_REUSES_EPOCH, /* after a reset */
	MUTANT_GUEST_IGNORES_HELD, /* goes on when the device's count differs */
	MUTANT_GUEST_FORGETS_KICK, /* now and then */
	MUTANT_GUEST_LOSES_PAGE, /* of those handed back */
	MUTANT_GUEST_TAKES_REFUSED, /* goes on as if a pair had been swapped */
	MUTANT_GUEST_USES_REPORTED, /* uses a page between REPORT and its answer */
	MUTANT_HOST_DROPS_ONE_MORE, /* byte */
	MUTANT_COUNT,
};

#endif /* SIM_MUTANT_H */
