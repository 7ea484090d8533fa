/* SPDX-License-Identifier: BSD-3-Clause */
/* What the impostor says that is not so, and what a driver has to make of it. */
#ifndef VBALLOON_CONFORMANCE_LIES_H
#define VBALLOON_CONFORMANCE_LIES_H

#include "conformance/bout.h"

/* A lie, and what makes the driver ask for it. */
struct vballoon_lie_row {
	uint32_t about; /* the message */
	vballoon_lie *lie;
	uint32_t request;
	uint64_t value;
};

/* Words of an answer. */
uint64_t vballoon_lie_get(const uint8_t *answer, uint32_t index);
void vballoon_lie_put(uint8_t *answer, uint32_t index, uint64_t word);

/* Lies that fit more than one message: a used length of a MiB, an answer of no bytes, of
 * four; a first verdict of 2; and one verdict less. */
vballoon_lie vballoon_lie_beyond_the_buffer, vballoon_lie_nothing, vballoon_lie_half_an_answer,
	vballoon_lie_verdict_of_two, vballoon_lie_verdict_less;

/* Have the driver ask, and lie to it. */
void vballoon_lie_tell(struct vballoon_bout *bout, const struct vballoon_lie_row *lie);

/* The driver has to reset the device, @resets times having been seen. When it says more than
 * the @messages that it had, it has believed the lie. */
void vballoon_lie_expect_reset(struct vballoon_bout *bout, unsigned int resets,
			       unsigned int messages);

/* A case: the driver has to notice the lie of a struct vballoon_lie_row, and reset. */
void vballoon_lie_is_noticed(struct vballoon_bout *bout, const void *how);

/* A case: pages whose fate the lie leaves unknown stay out of use. They are not named again,
 * and the driver goes on, or resets. */
void vballoon_lie_is_survived(struct vballoon_bout *bout, const void *how);

/* Rows of a driver's cases. */
#define VBALLOON_DRIVER_CASE(its_name, its_clause, function, argument, is_negative, its_stage,     \
			     its_needs, its_lacks)                                                 \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .play = function, .how = argument,         \
		.negative = is_negative, .stage = its_stage, .needs = its_needs,                   \
		.lacks = its_lacks                                                                 \
	}
#define VBALLOON_LIE(...) (&(const struct vballoon_lie_row){ __VA_ARGS__ })

#endif /* VBALLOON_CONFORMANCE_LIES_H */
