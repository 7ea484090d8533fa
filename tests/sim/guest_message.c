// SPDX-License-Identifier: BSD-3-Clause
#include "guest_message.h"

#include <string.h>

#include <vballoon/abi/memory_balloon.h>

#include "base/le.h"

static void begin(struct guest_message *message, uint32_t type, uint32_t flags)
{
	struct virtio_memory_balloon_msg header = { vballoon_le32(type), vballoon_le32(flags) };

	memcpy(message->buffer.at, &header, sizeof(header));
	message->readable = sizeof(header);
	message->writable = 0;
	message->entry_count = 0;
}

static void append(struct guest_message *message, const void *from, uint32_t len)
{
	memcpy(message->buffer.at + message->readable, from, len);
	message->readable += len;
}

static void append64(struct guest_message *message, uint64_t value)
{
	value = vballoon_le64(value);
	append(message, &value, sizeof(value));
}

void guest_message_hello(struct guest_message *message, uint64_t epoch, uint32_t unit_shift,
			 bool start_over)
{
	begin(message, VIRTIO_MEMORY_BALLOON_MSG_HELLO,
	      start_over ? VIRTIO_MEMORY_BALLOON_HELLO_START_OVER : 0);
	append64(message, epoch);
	append64(message, unit_shift);
	message->writable = sizeof(struct virtio_memory_balloon_hello_answer);
	message->start_over = start_over;
}

void guest_message_withdraw(struct guest_message *message, uint64_t most, uint32_t reason,
			    uint32_t room)
{
	begin(message, VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, reason);
	append64(message, most);
	message->writable = room * (uint32_t)sizeof(uint64_t);
	message->most = most;
}

void guest_message_stats(struct guest_message *message, uint32_t cookie, struct rng *rng)
{
	struct virtio_memory_balloon_stat stat = { 0 };

	begin(message, VIRTIO_MEMORY_BALLOON_MSG_STATS, cookie);
	/* Tags beyond those defined are legal: a device ignores them. */
	for (uint16_t tag = 0; tag < VIRTIO_MEMORY_BALLOON_S_COUNT + 2; tag++) {
		if (!rng_chance(rng, 50))
			continue;
		stat.tag = vballoon_le16(tag);
		stat.value = vballoon_le64(rng_next(rng));
		append(message, &stat, sizeof(stat));
	}
}

void guest_message_add(struct guest_message *message)
{
	begin(message, VIRTIO_MEMORY_BALLOON_MSG_ADD, 0);
}

void guest_message_append(struct guest_message *message, uint64_t entry, bool bad)
{
	append64(message, entry);
	message->bad[message->entry_count] = bad;
	message->entries[message->entry_count++] = entry;
}

void guest_message_exchange(struct guest_message *message)
{
	begin(message, VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 0);
}

void guest_message_pair(struct guest_message *message, uint64_t give, uint64_t take, bool bad)
{
	message->takes[message->entry_count] = take;
	guest_message_append(message, give, bad);
	append64(message, take);
}

void guest_message_report(struct guest_message *message)
{
	begin(message, VIRTIO_MEMORY_BALLOON_MSG_REPORT, 0);
}

void guest_message_report_done(struct guest_message *message, uint64_t id)
{
	begin(message, VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE, 0);
	append64(message, id);
}

void guest_message_verdicts(struct guest_message *message, uint32_t room)
{
	message->writable = room;
	/* Neither yes nor no, so that a verdict never given shows. */
	memset(message->buffer.at + message->readable, 0x77, room);
}

static uint64_t answer64(const struct guest_message *message, uint32_t index)
{
	uint64_t value;

	memcpy(&value, message->buffer.at + message->readable + index * sizeof(value),
	       sizeof(value));
	return vballoon_le64(value);
}

uint64_t guest_message_held(const struct guest_message *message)
{
	return answer64(message, 0);
}

uint64_t guest_message_returned(const struct guest_message *message, uint32_t index)
{
	return answer64(message, index);
}

bool guest_message_accepted(const struct guest_message *message, uint32_t index, uint32_t written)
{
	if (index >= message->writable)
		return true;
	return index < written &&
	       message->buffer.at[message->readable + index] == VIRTIO_MEMORY_BALLOON_ACCEPTED;
}
