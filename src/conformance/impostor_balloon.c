/* SPDX-License-Identifier: BSD-3-Clause */
/* The balloon of the impostor: it answers, and notes what the driver may not say. */
#include "conformance/impostor.h"

#include <string.h>

#include "base/entry.h"
#include "base/le.h"
#include "conformance/impostor_record.h"

#define FROMDEVQ VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEVQ VIRTIO_MEMORY_BALLOON_VQ_TODEV
#define F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define NOTE(...) vballoon_impostor_note(impostor, __VA_ARGS__)

int vballoon_impostor_ring_start(struct vballoon_device_ring *ring,
				 const struct vballoon_memory *memory, struct vballoon_queue *where,
				 uint32_t base, uint64_t features)
{
	const struct vballoon_ring_features ring_features = vballoon_ring_features(features);

	where->next = base;
	return vballoon_device_ring_start(ring, memory, where, &ring_features);
}

uint32_t vballoon_impostor_ring_stop(struct vballoon_device_ring *ring)
{
	return vballoon_device_ring_base(ring);
}

static uint32_t hello(struct vballoon_impostor *impostor, uint32_t flags, uint8_t *answer)
{
	struct vballoon_impostor_seen *seen = &impostor->seen;
	uint64_t epoch = vballoon_impostor_read_word(impostor),
		 unit = vballoon_impostor_read_word(impostor), held;
	bool start_over = flags & VIRTIO_MEMORY_BALLOON_HELLO_START_OVER;

	if (unit >> 32)
		NOTE("DRV-HELLO-5", "the reserved field of HELLO is 0x%llx",
		     (unsigned long long)unit >> 32);
	unit &= UINT32_MAX;
	if (unit < vballoon_le32(impostor->config.page_shift) ||
	    unit > VIRTIO_MEMORY_BALLOON_SHIFT_MAX)
		NOTE("DRV-HELLO-4", "unit_shift is %llu", (unsigned long long)unit);
	if (impostor->chain.writable_len < sizeof(held))
		NOTE("DRV-HELLO-9", "HELLO has room for %llu bytes",
		     (unsigned long long)impostor->chain.writable_len);
	for (unsigned int i = 0; !impostor->greeted && i < seen->hellos && i < 64; i++) {
		if (seen->epochs[i] == epoch)
			NOTE("DRV-HELLO-2", "an epoch comes again after a reset");
	}
	if (impostor->greeted && epoch != impostor->epoch)
		NOTE("DRV-HELLO-3", "the epoch changed without a reset");
	if (seen->hellos < 64)
		seen->epochs[seen->hellos] = epoch;
	seen->hellos++;
	seen->start_overs += start_over;
	if (!impostor->has_record || epoch != impostor->epoch || start_over) {
		vballoon_impostor_empty(impostor);
		impostor->waiting_count = 0;
		vballoon_impostor_ask(impostor, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0,
				      impostor->target);
	}
	impostor->has_record = true;
	impostor->greeted = true;
	impostor->epoch = epoch;
	impostor->unit_shift = (uint32_t)unit;
	held = vballoon_le64(impostor->held);
	memcpy(answer, &held, sizeof(held));
	return sizeof(held);
}

static bool add_entry(struct vballoon_impostor *impostor, uint64_t wire)
{
	struct vballoon_entry_format format = vballoon_impostor_format(impostor);
	struct vballoon_entry entry = vballoon_entry_decode(&format, wire);
	uint64_t bytes = entry.units << format.unit_shift;

	if (!format.runs && wire & ((UINT64_C(1) << format.page_shift) - 1))
		NOTE("DRV-RUNS-2", "entry 0x%llx has low bits", (unsigned long long)wire);
	if (!entry.aligned || entry.wraps ||
	    !vballoon_memory_covers(&impostor->memory, vballoon_gpa(entry.gpa),
				    vballoon_bytes(bytes)))
		return false;
	for (uint64_t at = entry.gpa; at < entry.gpa + bytes;
	     at += UINT64_C(1) << format.page_shift) {
		if (!vballoon_impostor_mark(impostor, at, true))
			NOTE("DRV-ADD-2", "page 0x%llx is added and is in the balloon",
			     (unsigned long long)at);
	}
	return true;
}

static uint32_t add(struct vballoon_impostor *impostor, uint32_t flags, uint8_t *answer)
{
	uint32_t count = 0;

	impostor->seen.adds++;
	if (flags)
		NOTE("DRV-MSG-2", "ADD has flags 0x%x", flags);
	if (vballoon_impostor_rest(impostor) % sizeof(uint64_t))
		NOTE("DRV-MSG-1", "ADD has %llu bytes of entries",
		     (unsigned long long)vballoon_impostor_rest(impostor));
	while (vballoon_impostor_rest(impostor) >= sizeof(uint64_t) &&
	       count < VBALLOON_IMPOSTOR_ANSWER)
		answer[count++] = add_entry(impostor, vballoon_impostor_read_word(impostor));
	return count;
}

/* Hand back the first pages that are held, unit by unit. */
static uint32_t withdraw(struct vballoon_impostor *impostor, uint32_t flags, uint8_t *answer)
{
	uint64_t most = vballoon_impostor_read_word(impostor), gpa, wire;
	uint64_t pages = UINT64_C(1)
			 << (impostor->unit_shift - vballoon_le32(impostor->config.page_shift));
	uint64_t room = impostor->chain.writable_len;
	uint32_t len = 0;

	impostor->seen.withdraws++;
	if (flags && !(impostor->features & F(WITHDRAW_REASON)))
		NOTE("DRV-REASON-1", "WITHDRAW has flags 0x%x", flags);
	for (; most >= pages && len + sizeof(wire) <= room &&
	       len + sizeof(wire) <= VBALLOON_IMPOSTOR_ANSWER;
	     most -= pages) {
		gpa = vballoon_impostor_held_page(impostor);
		if (!gpa)
			break;
		vballoon_impostor_hand_back(impostor, gpa, UINT64_C(1) << impostor->unit_shift);
		wire = vballoon_le64(gpa);
		memcpy(answer + len, &wire, sizeof(wire));
		len += (uint32_t)sizeof(wire);
	}
	return len;
}

static uint32_t stats(struct vballoon_impostor *impostor, uint32_t flags, uint8_t *answer)
{
	struct virtio_memory_balloon_stat stat;
	uint64_t tags = 0;
	uint16_t tag;

	(void)answer;
	impostor->seen.stats++;
	impostor->seen.stats_flags = flags;
	if (vballoon_impostor_rest(impostor) / sizeof(stat) > 256)
		NOTE("DRV-STATS-5", "STATS has %llu bytes",
		     (unsigned long long)vballoon_impostor_rest(impostor));
	while (!vballoon_chain_read(&impostor->memory, &impostor->chain, &stat, sizeof(stat))) {
		for (unsigned int i = 0; i < sizeof(stat.reserved); i++) {
			if (stat.reserved[i])
				NOTE("DRV-STATS-6", "a reserved byte of a statistic is %u",
				     stat.reserved[i]);
		}
		tag = vballoon_le16(stat.tag);
		if (tag < 64 && tags >> tag & 1)
			NOTE("DRV-STATS-3", "tag %u is there twice", tag);
		tags |= tag < 64 ? UINT64_C(1) << tag : 0;
	}
	return 0;
}

static const struct {
	uint64_t feature; /* that it is of; 0: the base */
	vballoon_impostor_handler *handle;
} messages[] = {
	[VIRTIO_MEMORY_BALLOON_MSG_HELLO] = { 0, hello },
	[VIRTIO_MEMORY_BALLOON_MSG_ADD] = { 0, add },
	[VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW] = { 0, withdraw },
	[VIRTIO_MEMORY_BALLOON_MSG_STATS] = { 0, stats },
	[VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE] = { F(EXCHANGE), vballoon_impostor_exchange },
	[VIRTIO_MEMORY_BALLOON_MSG_REPORT] = { F(REPORTING), vballoon_impostor_report },
	[VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE] = { F(REPORTING), vballoon_impostor_report_done },
};

static void use(struct vballoon_impostor *impostor, unsigned int queue, const uint8_t *answer,
		uint32_t len, uint32_t told)
{
	struct vballoon_impostor_queue *to = &impostor->queues[queue];
	uint64_t room = impostor->chain.writable_len;

	(void)vballoon_chain_write(&impostor->memory, &impostor->chain, answer,
				   len < room ? len : (size_t)room);
	impostor->chain.written = told;
	(void)vballoon_device_ring_use(&to->ring, &impostor->chain);
	(void)vballoon_device_ring_should_notify(&to->ring);
	vballoon_impostor_raise(to->call);
}

static void message(struct vballoon_impostor *impostor)
{
	static uint8_t answer[VBALLOON_IMPOSTOR_ANSWER + 64];
	struct virtio_memory_balloon_msg msg = { 0 };
	uint32_t type, len, told;

	if (vballoon_chain_read(&impostor->memory, &impostor->chain, &msg, sizeof(msg)))
		NOTE("DRV-MSG-1", "a message of %llu bytes",
		     (unsigned long long)impostor->chain.readable_len);
	type = vballoon_le32(msg.type);
	impostor->seen.messages++;
	if (!impostor->greeted && type != VIRTIO_MEMORY_BALLOON_MSG_HELLO)
		NOTE("DRV-HELLO-1", "the first message after a reset is of type %u", type);
	if (type >= sizeof(messages) / sizeof(messages[0]) ||
	    messages[type].feature & ~impostor->features) {
		NOTE("DRV-FEAT-5", "a message of type %u, whose feature was not negotiated", type);
		use(impostor, TODEVQ, answer, 0, 0);
		return;
	}
	len = messages[type].handle(impostor, vballoon_le32(msg.flags), answer);
	if (len > impostor->chain.writable_len)
		len = (uint32_t)impostor->chain.writable_len;
	told = len;
	if (impostor->lie && !impostor->lied && impostor->lie_about == type) {
		impostor->lied = true;
		impostor->lie(impostor, answer, &len, &told);
	}
	use(impostor, TODEVQ, answer, len, told);
}

/* The next chain of a queue that runs. What a driver's ring has wrong is noted. */
static bool next(struct vballoon_impostor *impostor, unsigned int queue)
{
	enum vballoon_violation violation;
	int outcome;

	if (!impostor->queues[queue].running)
		return false;
	outcome = vballoon_device_ring_next(&impostor->queues[queue].ring, &impostor->chain,
					    &violation);
	if (outcome == VBALLOON_RING_BROKEN)
		NOTE("DRV-RING-1", "%s (queue %u)", vballoon_violation_text(violation), queue);
	return outcome == VBALLOON_RING_CHAIN;
}

static void requests(struct vballoon_impostor *impostor)
{
	struct virtio_memory_balloon_req *first = impostor->waiting;

	while (impostor->waiting_count && impostor->greeted && next(impostor, FROMDEVQ)) {
		if (impostor->chain.readable_len || impostor->chain.writable_len < sizeof(*first))
			NOTE("DRV-REQ-2", "a buffer for requests of %llu bytes",
			     (unsigned long long)impostor->chain.writable_len);
		use(impostor, FROMDEVQ, (const uint8_t *)first, sizeof(*first),
		    impostor->request_told ? impostor->request_told : (uint32_t)sizeof(*first));
		impostor->waiting_count--;
		memmove(first, first + 1, impostor->waiting_count * sizeof(*first));
	}
}

void vballoon_impostor_ask(struct vballoon_impostor *impostor, uint32_t type, uint32_t flags,
			   uint64_t value)
{
	if (type == VIRTIO_MEMORY_BALLOON_REQ_RESIZE)
		impostor->target = value;
	if (impostor->waiting_count == VBALLOON_IMPOSTOR_WAITING)
		return;
	impostor->waiting[impostor->waiting_count++] =
		(struct virtio_memory_balloon_req){ vballoon_le32(type), vballoon_le32(flags),
						    vballoon_le64(value) };
}

void vballoon_impostor_serve(struct vballoon_impostor *impostor)
{
	while (!impostor->mute && next(impostor, TODEVQ))
		message(impostor);
	requests(impostor);
}
