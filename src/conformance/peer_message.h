/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of a hostile front end, as a table describes them. */
#ifndef VBALLOON_CONFORMANCE_PEER_MESSAGE_H
#define VBALLOON_CONFORMANCE_PEER_MESSAGE_H

#include "conformance/driver.h"

/* Descriptors that a message may bring. */
enum vballoon_peer_fd {
	VBALLOON_FD_NONE, /* no more follow */
	VBALLOON_FD_MEMORY, /* the guest's */
	VBALLOON_FD_EVENT,
	VBALLOON_FD_EMPTY, /* a memfd of no length */
	VBALLOON_FD_READ_ONLY, /* a memfd of a page that cannot be written */
	VBALLOON_FD_NULL, /* /dev/null */
	VBALLOON_FD_DIRECTORY,
	VBALLOON_FD_PIPE, /* its end for writing */
	VBALLOON_FD_SOCKET,
	VBALLOON_FD_KINDS,
};

/* Words that stand for what the guest's memory decides. */
#define VBALLOON_PEER_GPA UINT64_C(0xcdcdcdcdcdcd0001) /* of the first region */
#define VBALLOON_PEER_SIZE UINT64_C(0xcdcdcdcdcdcd0002)
#define VBALLOON_PEER_USER UINT64_C(0xcdcdcdcdcdcd0003)
#define VBALLOON_PEER_LAST_PAGE UINT64_C(0xcdcdcdcdcdcd0004) /* of the first region */
#define VBALLOON_PEER_BEHIND UINT64_C(0xcdcdcdcdcdcd0005) /* all memory, a guest address */
#define VBALLOON_PEER_TOO_LARGE UINT64_C(0xcdcdcdcdcdcd0006) /* than the file, by a page */

/* The lower half of a word: the index behind the last queue. */
#define VBALLOON_PEER_NO_QUEUE 0xcdcdcd07U

/* Two u32 in a word. */
#define VBALLOON_PEER_PAIR(low, high) ((uint64_t)(low) | (uint64_t)(high) << 32)

#define VBALLOON_PEER_WORDS 10
#define VBALLOON_PEER_FDS 12

struct vballoon_peer_row {
	uint32_t request;
	uint32_t flags; /* of the header; 0: version 1, and an answer wanted */
	uint32_t size; /* of the payload, as it is sent */
	uint32_t told; /* as the header has it; 0: what it is */
	uint64_t words[VBALLOON_PEER_WORDS]; /* the payload; beyond it is 0 */
	uint8_t fds[VBALLOON_PEER_FDS]; /* enum vballoon_peer_fd */
	bool may_succeed; /* it is odd, but a back end may take it */
};

/* Send it. The back end may end the connection, answer that it failed, or say nothing; it
 * may not say that it succeeded, unless the row allows that. @how is a row. */
void vballoon_peer_refuses(struct vballoon_trial *trial, const void *how);

#endif /* VBALLOON_CONFORMANCE_PEER_MESSAGE_H */
