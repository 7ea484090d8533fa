// SPDX-License-Identifier: BSD-3-Clause
/*
 * EXCHANGE: the driver gives a page and takes another of its choice.
 *
 * A pair is judged first, then the memory of what is taken is made usable, then both
 * pages change hands at once. What was swapped is kept until the answer is with the
 * driver, so that a failure can take it all back; a message with more pairs than can be
 * kept has the rest of them refused.
 */
#include "base/le.h"
#include "device/core.h"

/* A pair as two entries; @gives: not take only. */
struct pair {
	struct vballoon_entry give, take;
	bool gives;
};

static struct pair decode(const struct vballoon_device *device, uint64_t give, uint64_t take)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);

	return (struct pair){
		.give = vballoon_entry_decode(&format, give),
		.take = vballoon_entry_decode(&format, take),
		.gives = give != VIRTIO_MEMORY_BALLOON_GIVE_NOTHING,
	};
}

/* To take and not to give is a withdraw to follow the target. Keeps DEV-EXCHANGE-15. */
static bool is_granted(struct vballoon_device *device, uint64_t pages)
{
	return vballoon_policy_grant(device, VBALLOON_WITHDRAW_TARGET, pages) == pages;
}

/* Whether the pair may be carried out.
 * Keeps DEV-EXCHANGE-5, DEV-EXCHANGE-6, DEV-EXCHANGE-7, DEV-EXCHANGE-9,
 * DEV-EXCHANGE-14. */
static bool judge(struct vballoon_device *device, const struct pair *pair,
		  enum vballoon_refusal *cause_out)
{
	uint64_t bytes = vballoon_entry_bytes(device, &pair->take);

	*cause_out = VBALLOON_REFUSED_UNEQUAL;
	if (pair->gives && pair->give.units != pair->take.units)
		return false;
	if (!vballoon_entry_is_memory(device, &pair->take, cause_out))
		return false;
	if (pair->gives && !vballoon_entry_is_drivers(device, &pair->give, cause_out))
		return false;
	*cause_out = VBALLOON_REFUSED_NOT_HELD;
	if (!vballoon_held_all(device, pair->take.gpa, vballoon_entry_pages(device, &pair->take)))
		return false;
	*cause_out = VBALLOON_REFUSED_HELD;
	if (pair->gives && vballoon_held_any(device, pair->give.gpa, bytes))
		return false;
	*cause_out = VBALLOON_REFUSED_TOO_MANY;
	if (device->journal->answer_count + 2 > VBALLOON_ANSWER_ENTRIES_MAX)
		return false;
	*cause_out = VBALLOON_REFUSED_POLICY;
	return pair->gives || is_granted(device, vballoon_entry_pages(device, &pair->take));
}

static enum vballoon_violation refuse(struct vballoon_device *device, enum vballoon_refusal cause)
{
	device->counters.refused_entries[cause]++;
	vballoon_restore_settle(device, false);
	if (cause == VBALLOON_REFUSED_NO_HOST_MEMORY)
		vballoon_restore_refuse(device);
	return vballoon_device_verdict(device, VIRTIO_MEMORY_BALLOON_REFUSED);
}

/* Read the next pair, and judge it: it is refused, or ready to be carried out. */
static enum vballoon_violation next_pair(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	struct virtio_memory_balloon_pair wire;
	enum vballoon_refusal cause;
	struct pair pair;

	work->unfinished = !work->steps_left;
	if (work->unfinished)
		return VBALLOON_OK;
	if (vballoon_chain_read(&device->memory, &device->chain, &wire, sizeof(wire)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	work->pair.give = vballoon_le64(wire.give);
	work->pair.take = vballoon_le64(wire.take);
	pair = decode(device, work->pair.give, work->pair.take);
	vballoon_work_charge_entry(work, vballoon_entry_pages(device, &pair.take));
	if (device->proof == VBALLOON_RECORD_NONE)
		return refuse(device, VBALLOON_REFUSED_NO_RECORD);
	if (pair.take.units > work->units_left)
		return VBALLOON_MESSAGE_LENGTH;
	work->units_left -= pair.take.units;
	if (!judge(device, &pair, &cause))
		return refuse(device, cause);
	work->pair.ready = true;
	work->at = pair.take.gpa;
	work->end = pair.take.gpa + vballoon_entry_bytes(device, &pair.take);
	return VBALLOON_OK;
}

/* The counter for what a pair moves. */
static uint64_t *moved(struct vballoon_device *device, const struct pair *pair)
{
	return pair->gives ? &device->counters.exchanged_pages : &device->counters.returned_pages;
}

/* Both pages change hands. Keeps DEV-EXCHANGE-1, DEV-EXCHANGE-10. */
static void swap(struct vballoon_device *device, const struct pair *pair)
{
	struct vballoon_journal *journal = device->journal;
	uint64_t pages = vballoon_entry_pages(device, &pair->take);

	journal->answer[journal->answer_count] = device->work.pair.give;
	journal->answer[journal->answer_count + 1] = device->work.pair.take;
	vballoon_journal_step(device);
	journal->answer_count += 2;
	vballoon_journal_step(device);
	if (pair->gives)
		vballoon_held_add(device, pair->give.gpa, pages);
	vballoon_journal_step(device);
	vballoon_held_remove(device, pair->take.gpa, pages);
	vballoon_journal_step(device);
	*moved(device, pair) += pages;
}

/* Carry out the pair that is ready, as far as this run may. Keeps DEV-EXCHANGE-12. */
static enum vballoon_violation carry_out(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	struct pair pair = decode(device, work->pair.give, work->pair.take);
	enum vballoon_violation violation;

	switch (vballoon_restore(device, &work->at, work->end)) {
	case VBALLOON_UNFINISHED:
		work->unfinished = true;
		return VBALLOON_OK;
	case VBALLOON_FAILED:
		work->pair.ready = false;
		return refuse(device, VBALLOON_REFUSED_NO_HOST_MEMORY);
	default:
		work->pair.ready = false;
		violation = vballoon_device_verdict(device, VIRTIO_MEMORY_BALLOON_ACCEPTED);
		if (!violation)
			swap(device, &pair);
		vballoon_restore_settle(device, !violation);
		return violation;
	}
}

/* Keeps DEV-EXCHANGE-2, DEV-EXCHANGE-3. */
enum vballoon_violation vballoon_exchange_resume(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	const struct vballoon_chain *chain = &device->chain;
	enum vballoon_violation violation = VBALLOON_OK;

	while (!violation && !work->unfinished &&
	       (work->pair.ready || chain->read_done < chain->readable_len))
		violation = work->pair.ready ? carry_out(device) : next_pair(device);
	if (!violation && !work->unfinished)
		vballoon_restore_end(device);
	return violation;
}

enum vballoon_violation vballoon_message_exchange(struct vballoon_device *device, uint32_t flags)
{
	(void)flags; /* none is defined; checked */
	return vballoon_exchange_resume(device);
}

/* Nothing was dropped since: what was given is as it came. Keeps DEV-EXCHANGE-13. */
void vballoon_exchange_undo(struct vballoon_device *device)
{
	struct vballoon_journal *journal = device->journal;

	for (; journal->answer_count; journal->answer_count -= 2) {
		uint64_t take = journal->answer[journal->answer_count - 1];
		uint64_t give = journal->answer[journal->answer_count - 2];
		struct pair pair = decode(device, give, take);
		uint64_t pages = vballoon_entry_pages(device, &pair.take);

		vballoon_held_add(device, pair.take.gpa, pages);
		if (pair.gives)
			vballoon_held_forget(device, pair.give.gpa, pages);
		vballoon_journal_step(device);
		*moved(device, &pair) -= pages;
	}
}
