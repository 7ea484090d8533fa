/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's messages on the wire. Each lies at a fixed place of the driver's
 * memory: what the device reads first, what it writes after it.
 */
#ifndef SIM_GUEST_MESSAGE_H
#define SIM_GUEST_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_queue.h"

#define GUEST_MESSAGE_BYTES 1024
#define GUEST_MESSAGE_ENTRIES_MAX 48
#define GUEST_MESSAGE_PAIRS_MAX 24
#define GUEST_MESSAGE_ADDS 4

/* One of each kind, but for ADD, of which several may be in flight. */
enum guest_message_slot {
	MESSAGE_HELLO,
	MESSAGE_WITHDRAW,
	MESSAGE_STATS,
	MESSAGE_EXCHANGE,
	MESSAGE_REPORT,
	MESSAGE_REPORT_DONE,
	MESSAGE_ADD,
	MESSAGE_COUNT = MESSAGE_ADD + GUEST_MESSAGE_ADDS,
};

struct guest_message {
	struct guest_buffer buffer;
	struct guest_buffer table; /* for an indirect chain */
	uint32_t readable, writable; /* bytes */
	bool in_flight;
	bool start_over; /* HELLO */
	bool for_pressure; /* WITHDRAW */
	uint64_t most; /* WITHDRAW: balloon pages */
	/* What was sent, whatever becomes of the buffer; with EXCHANGE what was given. */
	unsigned int entry_count;
	uint64_t entries[GUEST_MESSAGE_ENTRIES_MAX];
	bool passed_over; /* perhaps, since the device may have lost its record */
	uint64_t takes[GUEST_MESSAGE_PAIRS_MAX]; /* EXCHANGE */
	bool bad[GUEST_MESSAGE_ENTRIES_MAX]; /* that entry must be refused */
};

void guest_message_hello(struct guest_message *message, uint64_t epoch, uint32_t unit_shift,
			 bool start_over);
void guest_message_withdraw(struct guest_message *message, uint64_t most, uint32_t reason,
			    uint32_t room);
void guest_message_stats(struct guest_message *message, uint32_t cookie, struct rng *rng);

/* EXCHANGE and REPORT: begun, then pairs or entries, as with ADD. */
void guest_message_exchange(struct guest_message *message);
void guest_message_pair(struct guest_message *message, uint64_t give, uint64_t take, bool bad);
void guest_message_report(struct guest_message *message);
void guest_message_report_done(struct guest_message *message, uint64_t id);

/* ADD: begun, then entries, then room for that many verdicts. */
void guest_message_add(struct guest_message *message);
void guest_message_append(struct guest_message *message, uint64_t entry, bool bad);
void guest_message_verdicts(struct guest_message *message, uint32_t room);

/* What the device wrote. A verdict that had no room counts as a yes. */
uint64_t guest_message_held(const struct guest_message *message);
uint64_t guest_message_returned(const struct guest_message *message, uint32_t index);
bool guest_message_accepted(const struct guest_message *message, uint32_t index, uint32_t written);

#endif /* SIM_GUEST_MESSAGE_H */
