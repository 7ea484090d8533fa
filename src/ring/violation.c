/* SPDX-License-Identifier: BSD-3-Clause */
#include <vballoon/violation.h>

#include <stdbool.h>

/* clang-format off */
static const struct {
	const char *name;
	const char *text;
} violations[VBALLOON_VIOLATION_COUNT] = {
	[VBALLOON_OK] = { "none", "the driver has broken no rule" },
	[VBALLOON_RING_UNREADABLE] = { "ring-unreadable",
		"the ring is not in guest memory" },
	[VBALLOON_AVAIL_INDEX_JUMP] = { "avail-index-jump",
		"the driver made more buffers available than the queue holds" },
	[VBALLOON_HEAD_OUT_OF_RANGE] = { "head-out-of-range",
		"the first descriptor of a chain is beyond the end of the queue" },
	[VBALLOON_NEXT_OUT_OF_RANGE] = { "next-out-of-range",
		"a descriptor goes on beyond the end of its table" },
	[VBALLOON_CHAIN_TOO_LONG] = { "chain-too-long",
		"a chain loops, or has more descriptors than the queue" },
	[VBALLOON_DESC_EMPTY] = { "desc-empty",
		"a descriptor has length 0" },
	[VBALLOON_DESC_OUTSIDE_MEMORY] = { "desc-outside-memory",
		"a buffer, or an indirect table, is not all in guest memory" },
	[VBALLOON_DESC_ORDER] = { "desc-order",
		"a device-readable buffer follows a device-writable one" },
	[VBALLOON_CHAIN_TOO_LARGE] = { "chain-too-large",
		"the buffers of a chain have more than 2^32 bytes in total" },
	[VBALLOON_INDIRECT_NOT_NEGOTIATED] = { "indirect-not-negotiated",
		"an indirect descriptor without the feature VIRTIO_F_INDIRECT_DESC" },
	[VBALLOON_INDIRECT_MALFORMED] = { "indirect-malformed",
		"an indirect descriptor is nested, goes on with NEXT, or has a bad length" },
	[VBALLOON_REQUEST_BUFFER] = { "request-buffer",
		"a buffer for requests is too small, or has a device-readable part" },
	[VBALLOON_MESSAGE_SHORT] = { "message-short",
		"a message is shorter than its header or its fixed part" },
	[VBALLOON_MESSAGE_LENGTH] = { "message-length",
		"a message is not a whole number of entries, or has too many" },
	[VBALLOON_MESSAGE_DIRECTION] = { "message-direction",
		"a part of a message is missing, or is writable and should be readable" },
	[VBALLOON_MESSAGE_TYPE] = { "message-type",
		"a message has an unknown type, or one whose feature was not negotiated" },
	[VBALLOON_MESSAGE_FLAGS] = { "message-flags",
		"a message has unknown flags, or some whose feature was not negotiated" },
	[VBALLOON_HELLO_UNIT] = { "hello-unit",
		"HELLO names a unit_shift below page_shift or above 30" },
	[VBALLOON_RING_HELD] = { "ring-held",
		"the guest's queues lie in memory that it has given up" },
	[VBALLOON_DESC_NOT_AVAILABLE] = { "desc-not-available",
		"a chain goes on in a packed descriptor that was not made available" },
};
/* clang-format on */

/* A value that names no violation, as an embedder's own record may hold, is told as such. */
static bool is_violation(enum vballoon_violation violation)
{
	return (unsigned int)violation < VBALLOON_VIOLATION_COUNT;
}

const char *vballoon_violation_text(enum vballoon_violation violation)
{
	return is_violation(violation) ? violations[violation].text : "not a known violation";
}

const char *vballoon_violation_name(enum vballoon_violation violation)
{
	return is_violation(violation) ? violations[violation].name : "unknown";
}
