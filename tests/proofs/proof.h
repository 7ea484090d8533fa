/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a proof says, to CBMC: for every value of what is not set, if all that is ASSUMEd is so,
 * all that HOLDS is so; and there are values with which each REACHED is so, without which a
 * proof would be one of nothing.
 *
 * Each file here includes the source that it speaks of, so that it sees what is static there.
 */
#ifndef VBALLOON_TESTS_PROOF_H
#define VBALLOON_TESTS_PROOF_H

#include <stdbool.h>
#include <stdint.h>

/* How much of what has no end, or more places than CBMC gets through, a proof looks at: told when it
 * has ended. */
#define WITHIN(bound) _Static_assert(sizeof(bound), bound)

#define ASSUME(condition) __CPROVER_assume(condition)
#define HOLDS(condition) __CPROVER_assert(condition, #condition)
#ifdef LOOK_FOR_REACHED
#define REACHED(condition) __CPROVER_cover(condition)
#else
#define REACHED(condition) ((void)0)
#endif

/* Any value: CBMC goes by the beginning of the name. */
bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);

/* What is proved. */
void proof(void);

#endif /* VBALLOON_TESTS_PROOF_H */
