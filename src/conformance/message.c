/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/message.h"

#include <string.h>

#include "base/le.h"

/* The longest that a row asks for: one entry more than a message may have, in pairs. */
#define READABLE_MAX (sizeof(struct virtio_memory_balloon_msg) + UINT64_C(65537) * 8)

static uint64_t word_of(const struct vballoon_trial *trial, uint64_t word)
{
	switch (word) {
	case VBALLOON_WORD_PAGE_SHIFT:
		return trial->facts->config.page_shift;
	case VBALLOON_WORD_PAGE:
		return vballoon_trial_page(trial, 0);
	case VBALLOON_WORD_NEXT_PAGE:
		return vballoon_trial_page(trial, 1);
	default:
		return word;
	}
}

static void post(struct vballoon_trial *trial, const struct vballoon_message_row *row)
{
	static _Alignas(8) uint8_t bytes[READABLE_MAX];
	struct virtio_memory_balloon_msg msg = {
		.type = vballoon_le32(row->type),
		.flags = vballoon_le32(row->flags),
	};

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &msg, sizeof(msg));
	for (unsigned int i = 0; i < VBALLOON_MESSAGE_WORDS; i++) {
		uint64_t word = vballoon_le64(word_of(trial, row->body[i]));

		memcpy(bytes + sizeof(msg) + i * sizeof(word), &word, sizeof(word));
	}
	vballoon_driver_post(trial, bytes, row->readable, row->writable);
}

void vballoon_message_stops(struct vballoon_trial *trial, const void *how)
{
	post(trial, how);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

void vballoon_message_is_taken(struct vballoon_trial *trial, const void *how)
{
	uint32_t written;

	post(trial, how);
	written = vballoon_driver_answer(trial);
	vballoon_require(trial, !written,
			 "it was answered with %u bytes, where there is nothing to say", written);
}
