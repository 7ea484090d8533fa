/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of todevq that a table describes, whole or spoilt. */
#ifndef VBALLOON_CONFORMANCE_MESSAGE_H
#define VBALLOON_CONFORMANCE_MESSAGE_H

#include "conformance/driver.h"

/* Words of a body that stand for what the device decides. */
#define VBALLOON_WORD_PAGE_SHIFT UINT64_C(0xabababababab0001)
#define VBALLOON_WORD_PAGE UINT64_C(0xabababababab0002) /* the balloon's first page */
#define VBALLOON_WORD_NEXT_PAGE UINT64_C(0xabababababab0003)

#define VBALLOON_MESSAGE_WORDS 4

struct vballoon_message_row {
	uint32_t type, flags;
	uint32_t readable; /* bytes, header and body; bytes beyond the words are 0 */
	uint32_t writable;
	uint64_t body[VBALLOON_MESSAGE_WORDS];
};

/* Send it: the device has to stop. @how is a struct vballoon_message_row. */
void vballoon_message_stops(struct vballoon_trial *trial, const void *how);

/* Send it: the device has to answer it, with no byte. */
void vballoon_message_is_taken(struct vballoon_trial *trial, const void *how);

#endif /* VBALLOON_CONFORMANCE_MESSAGE_H */
