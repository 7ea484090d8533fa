/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest can do wrong. A violation is recorded and shown; it stops the
 * guest's own device until its driver resets it, and nothing else.
 */
#ifndef VBALLOON_VIOLATION_H
#define VBALLOON_VIOLATION_H

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What the guest did wrong; the device stops at the first. */
enum vballoon_violation {
	VBALLOON_OK, /**< nothing */
	VBALLOON_RING_UNREADABLE, /**< the ring is not in guest memory */
	VBALLOON_AVAIL_INDEX_JUMP, /**< more buffers available than the ring holds */
	VBALLOON_HEAD_OUT_OF_RANGE, /**< a head index beyond the ring */
	VBALLOON_NEXT_OUT_OF_RANGE, /**< a next index beyond the table */
	VBALLOON_CHAIN_TOO_LONG, /**< a loop, or more descriptors than the queue */
	VBALLOON_DESC_EMPTY, /**< a descriptor of length 0 */
	VBALLOON_DESC_OUTSIDE_MEMORY, /**< a buffer that is not guest memory, or wraps */
	VBALLOON_DESC_ORDER, /**< device-readable after device-writable */
	VBALLOON_CHAIN_TOO_LARGE, /**< more than 2^32 bytes */
	VBALLOON_INDIRECT_NOT_NEGOTIATED, /**< an indirect descriptor without the feature */
	VBALLOON_INDIRECT_MALFORMED, /**< nested, with NEXT, not a multiple of 16, too long */
	VBALLOON_REQUEST_BUFFER, /**< a fromdevq buffer that is too small or readable */
	VBALLOON_MESSAGE_SHORT, /**< shorter than its header or its fixed part */
	VBALLOON_MESSAGE_LENGTH, /**< not a whole number of entries, or too many */
	VBALLOON_MESSAGE_DIRECTION, /**< a part is writable that should be readable, or missing */
	VBALLOON_MESSAGE_TYPE, /**< an unknown type, or one whose feature is missing */
	VBALLOON_MESSAGE_FLAGS, /**< flags that are unknown, or whose feature is missing */
	VBALLOON_HELLO_UNIT, /**< unit_shift below page_shift or above 30 */
	VBALLOON_RING_HELD, /**< a queue lies in pages that are in the balloon */
	VBALLOON_DESC_NOT_AVAILABLE, /**< a packed chain goes on in a descriptor that is not */
	VBALLOON_VIOLATION_COUNT,
};

/** @return a sentence on what the guest did wrong, for an operator; never NULL. */
const char *vballoon_violation_text(enum vballoon_violation violation);

/** @return a short stable name, such as "chain-too-long", for programs. */
const char *vballoon_violation_name(enum vballoon_violation violation);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_VIOLATION_H */
