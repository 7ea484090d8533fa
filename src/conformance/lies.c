/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/lies.h"

#include <string.h>

#include "base/le.h"

uint64_t vballoon_lie_get(const uint8_t *answer, uint32_t index)
{
	uint64_t word;

	memcpy(&word, answer + index * sizeof(word), sizeof(word));
	return vballoon_le64(word);
}

void vballoon_lie_put(uint8_t *answer, uint32_t index, uint64_t word)
{
	word = vballoon_le64(word);
	memcpy(answer + index * sizeof(word), &word, sizeof(word));
}

void vballoon_lie_beyond_the_buffer(struct vballoon_impostor *impostor, uint8_t *answer,
				    uint32_t *len, uint32_t *told)
{
	(void)impostor;
	(void)answer;
	(void)len;
	*told = 1U << 20;
}

void vballoon_lie_nothing(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			  uint32_t *told)
{
	(void)impostor;
	(void)answer;
	*len = *told = 0;
}

void vballoon_lie_half_an_answer(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
				 uint32_t *told)
{
	(void)impostor;
	(void)answer;
	(void)len;
	*told = 4;
}

void vballoon_lie_verdict_of_two(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
				 uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	answer[0] = 2;
}

void vballoon_lie_verdict_less(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			       uint32_t *told)
{
	(void)impostor;
	(void)answer;
	*told = *len - 1;
}

void vballoon_lie_tell(struct vballoon_bout *bout, const struct vballoon_lie_row *lie)
{
	bout->impostor.lie = lie->lie;
	bout->impostor.lie_about = lie->about;
	vballoon_impostor_ask(&bout->impostor, lie->request, 0, lie->value);
	if (!vballoon_bout_await(bout, vballoon_bout_has_lied, 0, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED,
				  "the driver sends nothing to lie about in %d ms",
				  bout->patience_ms);
}

void vballoon_lie_expect_reset(struct vballoon_bout *bout, unsigned int resets,
			       unsigned int messages)
{
	if (vballoon_bout_await(bout, vballoon_bout_was_reset, resets, bout->patience_ms))
		return;
	vballoon_bout_require(bout, bout->impostor.seen.messages == messages,
			      "the driver goes on as if nothing had happened");
	vballoon_bout_end(bout, VBALLOON_WEDGED, "the driver neither resets nor goes on");
}

void vballoon_lie_is_noticed(struct vballoon_bout *bout, const void *how)
{
	unsigned int resets = bout->impostor.seen.resets;

	vballoon_lie_tell(bout, how);
	vballoon_lie_expect_reset(bout, resets, bout->impostor.seen.messages);
}

void vballoon_lie_is_survived(struct vballoon_bout *bout, const void *how)
{
	unsigned int resets = bout->impostor.seen.resets;

	vballoon_lie_tell(bout, how);
	/* Asked again, a driver that has taken them for its own would add them again. */
	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0,
			      VBALLOON_BOUT_MORE);
	vballoon_bout_watch(bout, bout->grace_ms);
	if (bout->impostor.seen.resets > resets)
		return;
	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0,
			      VBALLOON_BOUT_LESS);
	if (!vballoon_bout_await(bout, vballoon_bout_withdraws, 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "the driver neither resets nor goes on");
}
