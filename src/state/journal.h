/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal: what a device knows beside the page maps (state/page_map.h), as it works. It
 * lies in the caller's memory, so that a memory file carries it over the death of the
 * process, and whoever comes next goes on from it. Byte order as in a page map; it is not
 * for another machine, which is sent a saved state (docs/state-format.md).
 *
 * What makes that possible at any instant is the order of writing:
 *
 *   a queue      ring/kept.h
 *   withdraw     entries of the answer, answer_count, held bits cleared, the answer written
 *                to the guest, the chain used, answer_count 0
 *   exchange     likewise, the bits of what was given set between the two
 *   drop         drop_gpa, drop_pages, dropped bits, the host drops, drop_pages 0
 *   restore      drop_gpa, drop_pages, the host has memory, dropped bits, drop_pages 0
 *   the record   state/record.h; what its driver is to be told is kept before it is valid
 *   turns        the one that does not count, then turn
 *
 * Whoever finds it after a crash: the chain of the answer, if it was not used, is taken
 * anew, so that its entries go back on the record; if it was, they are the driver's. What was
 * being dropped or restored is taken for not dropped, once the host has memory for it. A message that was
 * neither is taken anew, and has no effect that it had before.
 */
#ifndef VBALLOON_STATE_JOURNAL_H
#define VBALLOON_STATE_JOURNAL_H

#include <stdint.h>

#include "state/record.h"

#define VBALLOON_JOURNAL_MAGIC UINT64_C(0x6e756f6a6c616276) /* "vbaljoun" */
#define VBALLOON_JOURNAL_VERSION 1

#define VBALLOON_JOURNAL_QUEUES 5 /* a device has at the most */

/* Entries that one answer holds at the most. */
#define VBALLOON_ANSWER_ENTRIES_MAX 4096

#define VBALLOON_JOURNAL_OWN_BYTES 64

/* What changes as one. */
struct vballoon_journal_turn {
	uint32_t proof; /* enum vballoon_record */
	uint32_t stopped_proven; /* it was proven when the queues stopped, and none has started */
	uint8_t own[VBALLOON_JOURNAL_OWN_BYTES]; /* as in a saved state */
};

struct vballoon_journal {
	uint64_t magic;
	uint32_t version;
	uint32_t device_id;
	struct vballoon_record_state record;
	uint64_t places[VBALLOON_JOURNAL_QUEUES]; /* ring/kept.h */
	uint64_t drop_gpa; /* being dropped, or restored */
	uint64_t drop_pages; /* 0: nothing is */
	uint32_t answer_type; /* of the message: how the answer is undone */
	uint32_t answer_at; /* where its queue would take the message anew */
	uint32_t answer_count; /* entries of the answer */
	uint32_t answer_queue;
	uint32_t turn; /* which of the two counts */
	uint32_t restores; /* what drop_gpa speaks of is being restored */
	struct vballoon_journal_turn turns[2];
	/* To WITHDRAW, as on the wire; of EXCHANGE, what was given and taken, in turns. */
	uint64_t answer[VBALLOON_ANSWER_ENTRIES_MAX];
};

/* What is written before this is written before what follows. A process that dies takes
 * nothing back that it has written, so only the compiler has to know. */
static inline void vballoon_journal_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#endif /* VBALLOON_STATE_JOURNAL_H */
