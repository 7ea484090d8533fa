/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WITHDRAW: memory comes back, for the target's sake or because the guest is short of
 * it. One is in flight at the most, in a buffer of its own.
 */
#include <string.h>

#include "base/le.h"
#include "driver/port/core.h"

/* How long somebody who is out of memory waits for the device. */
#define OOM_WAIT_MS 1000

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Keeps DRV-REASON-1, DRV-REASON-2, DRV-WITHDRAW-3. */
void vballoon_guest_withdraw_send(struct vballoon_guest *guest, uint64_t pages, uint32_t reason)
{
	uint64_t most =
		guest->format.runs ? VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX : GUEST_ENTRIES;
	struct vballoon_guest_withdraw *withdraw = &guest->withdraw;
	uint32_t flags = reason;

	if (!vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON))
		flags = 0;
	withdraw->most = least(vballoon_guest_pages_to_units(guest, pages), most);
	withdraw->reason = reason;
	withdraw->wait_until_ms = 0;
	pages = vballoon_guest_units_to_pages(guest, withdraw->most);
	guest->shared->withdraw.out = (struct virtio_memory_balloon_withdraw){
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
		.msg.flags = vballoon_le32(flags),
		.most = vballoon_le64(pages),
	};
	/* What an answer claims to have and did not write is nothing that was there before. */
	memset(guest->shared->withdraw.in, 0xff, sizeof(guest->shared->withdraw.in));
	vballoon_decide_withdraw_sent(&guest->decide, pages);
	vballoon_guest_send(guest, GUEST_WITHDRAW, &guest->shared->withdraw.out,
			    sizeof(guest->shared->withdraw.out), guest->shared->withdraw.in,
			    sizeof(guest->shared->withdraw.in));
}

/* Whether a WITHDRAW can be sent now, for at least a unit. */
static bool can_send(const struct vballoon_guest *guest)
{
	return guest->life.state == VBALLOON_GUEST_RUNNING && vballoon_guest_may_send(guest) &&
	       !guest->in_flight[GUEST_WITHDRAW] && guest->decide.held >= guest->decide.unit_pages;
}

/* Whole units, so that something comes of it. */
static uint64_t round_up(const struct vballoon_guest *guest, uint64_t pages)
{
	uint64_t unit = guest->decide.unit_pages;

	return (least(pages, guest->decide.held) + unit - 1) & ~(unit - 1);
}

/* Ask for what who is out of memory did not get by a WITHDRAW that was on its way for another
 * reason: what was refused for that may be given for this one. They wait no longer for both. */
static void send_lacking(struct vballoon_guest *guest)
{
	struct vballoon_guest_withdraw *withdraw = &guest->withdraw;
	uint64_t until_ms = withdraw->wait_until_ms, pages = withdraw->lacking;

	if (!pages || guest->in_flight[GUEST_WITHDRAW])
		return;
	withdraw->lacking = 0;
	if (!can_send(guest) || guest->life.now_ms >= until_ms)
		return;
	vballoon_guest_withdraw_send(guest, round_up(guest, pages),
				     VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM);
	withdraw->wait_until_ms = until_ms;
}

void vballoon_guest_withdraw_wanted(struct vballoon_guest *guest)
{
	struct vballoon_guest_withdraw *withdraw = &guest->withdraw;

	send_lacking(guest);
	if (!withdraw->wanted || guest->in_flight[GUEST_WITHDRAW])
		return;
	if (can_send(guest) && guest->life.now_ms >= withdraw->wanted_after_ms)
		vballoon_guest_withdraw_send(guest, round_up(guest, withdraw->wanted),
					     VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE);
	else
		withdraw->wanted = 0;
}

void vballoon_guest_withdraw_allow(struct vballoon_guest *guest)
{
	guest->withdraw.wanted_after_ms = 0;
}

/* Take @count entries off the record, each checked: what is wrong with them, and then
 * none of them is taken.
 * Keeps DRV-BAD-1, DRV-BAD-2, DRV-BAD-3, DRV-BAD-4, DRV-RUNS-1. */
static enum vballoon_guest_failure take(struct vballoon_guest *guest, uint32_t count,
					uint64_t *units_out)
{
	const volatile __le64 *shared = guest->shared->withdraw.in;
	struct vballoon_guest_withdraw *withdraw = &guest->withdraw;
	enum vballoon_guest_failure failure = VBALLOON_GUEST_OK;
	struct vballoon_entry entry;
	uint32_t taken = 0;

	*units_out = 0;
	while (taken < count && !failure) {
		withdraw->entries[taken] = vballoon_le64(shared[taken]);
		entry = vballoon_entry_decode(&guest->format, withdraw->entries[taken]);
		*units_out += entry.units;
		if (!entry.aligned)
			failure = VBALLOON_GUEST_WITHDRAW_MISALIGNED;
		else if (*units_out > withdraw->most)
			failure = VBALLOON_GUEST_WITHDRAW_MORE;
		else if (entry.wraps ||
			 !vballoon_guest_pages_take(&guest->pages, entry.gpa, entry.units))
			failure = VBALLOON_GUEST_WITHDRAW_NOT_HELD;
		else
			taken++;
	}
	while (failure && taken) {
		entry = vballoon_entry_decode(&guest->format, withdraw->entries[--taken]);
		vballoon_guest_pages_hold(&guest->pages, entry.gpa, entry.units);
	}
	return failure;
}

static void give_back(struct vballoon_guest *guest, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct vballoon_entry entry =
			vballoon_entry_decode(&guest->format, guest->withdraw.entries[i]);

		vballoon_guest_give_back(guest, entry.gpa, entry.units, VBALLOON_GUEST_HANDED_BACK);
	}
}

/* Keeps DRV-BAD-5, DRV-WITHDRAW-5, DRV-WITHDRAW-8. */
void vballoon_guest_withdraw_answered(struct vballoon_guest *guest, unsigned int message,
				      uint32_t written)
{
	struct vballoon_guest_withdraw *withdraw = &guest->withdraw;
	uint32_t count = written / sizeof(__le64);
	enum vballoon_guest_failure failure = VBALLOON_GUEST_WITHDRAW_LENGTH;
	unsigned int answer = 0;
	uint64_t units, pages;

	(void)message;
	if (written % sizeof(__le64) == 0)
		failure = take(guest, count, &units);
	if (failure) {
		vballoon_guest_fail(guest, failure);
		return;
	}
	pages = vballoon_guest_units_to_pages(guest, units);
	if (withdraw->reason != VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET)
		answer |= VBALLOON_DECIDE_FOR_PRESSURE;
	if (count == GUEST_ENTRIES)
		answer |= VBALLOON_DECIDE_ANSWER_FULL;
	/* What comes for another reason helps as well; what is refused is not asked for again. */
	withdraw->wanted -= least(pages, withdraw->wanted);
	withdraw->lacking -= least(pages, withdraw->lacking);
	if (units < withdraw->most && count < GUEST_ENTRIES) {
		withdraw->wanted = 0;
		/* Without another reason it would be refused again. */
		if (withdraw->reason == VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM ||
		    !vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON))
			withdraw->lacking = 0;
		if (withdraw->reason != VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET)
			withdraw->wanted_after_ms = guest->life.now_ms + VBALLOON_DECIDE_RETRY_MS;
	}
	withdraw->late = false;
	vballoon_decide_withdraw_answered(&guest->decide, pages, answer, guest->life.now_ms);
	give_back(guest, count);
}

/* Keeps DRV-WITHDRAW-6. */
void vballoon_guest_pressure(struct vballoon_guest *guest, uint64_t pages, uint64_t now_ms)
{
	guest->life.now_ms = now_ms;
	if (guest->life.state != VBALLOON_GUEST_RUNNING)
		return;
	vballoon_decide_pressure(&guest->decide, now_ms);
	if (guest->withdraw.wanted < pages)
		guest->withdraw.wanted = pages;
}

/* Take what is there for whoever is out of memory: answers that have come, and what is kept and
 * not on the device's record, until there are @pages. */
static void collect(struct vballoon_guest *guest, uint64_t pages)
{
	uint64_t before = guest->returned;
	bool more;

	guest->life.inside = true;
	if (guest->life.state == VBALLOON_GUEST_RUNNING)
		vballoon_guest_answers_poll(guest);
	more = guest->life.state != VBALLOON_GUEST_RUNNING || vballoon_guest_may_send(guest);
	/* Pages that lie by themselves make many steps. */
	while (more)
		more = vballoon_guest_life_return_kept(&guest->life) &&
		       guest->returned - before < pages;
	guest->life.inside = false;
}

bool vballoon_guest_oom(struct vballoon_guest *guest, uint64_t pages, uint64_t now_ms)
{
	struct vballoon_guest_withdraw *withdraw = &guest->withdraw;
	uint64_t before = guest->returned, came;

	/* From inside get_page() the way to the device is barred: its memory is in use. */
	if (guest->life.inside)
		return false;
	guest->life.now_ms = now_ms;
	collect(guest, pages);
	came = guest->returned - before;
	if (guest->life.state != VBALLOON_GUEST_RUNNING)
		return false;
	vballoon_decide_pressure(&guest->decide, now_ms);
	if (came >= pages)
		return false;
	/* One that is on its way may bring enough, and if it does not, one of our own follows. */
	if (guest->in_flight[GUEST_WITHDRAW] && !withdraw->late &&
	    withdraw->reason != VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM &&
	    withdraw->lacking < pages - came)
		withdraw->lacking = pages - came;
	if (can_send(guest)) {
		vballoon_guest_withdraw_send(guest, round_up(guest, pages - came),
					     VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM);
		if (guest->life.state != VBALLOON_GUEST_RUNNING)
			return false;
		vballoon_guest_queues_settle(guest);
	}
	/* Whoever comes later does not make those wait longer who are here. */
	if (!withdraw->wait_until_ms)
		withdraw->wait_until_ms = now_ms + OOM_WAIT_MS;
	return guest->in_flight[GUEST_WITHDRAW] && !withdraw->late;
}

/* Keeps DRV-WITHDRAW-7, DRV-BAD-8. */
bool vballoon_guest_oom_waits(struct vballoon_guest *guest, uint64_t now_ms)
{
	struct vballoon_guest_withdraw *withdraw = &guest->withdraw;

	if (guest->life.inside)
		return false;
	guest->life.now_ms = now_ms;
	/* When the device is reset, what was asked of it is there. */
	collect(guest, vballoon_guest_units_to_pages(guest, withdraw->most));
	send_lacking(guest);
	/* One that nobody waits for is newer than the one that was waited for. */
	if (guest->life.state != VBALLOON_GUEST_RUNNING || !guest->in_flight[GUEST_WITHDRAW] ||
	    !withdraw->wait_until_ms)
		return false;
	vballoon_guest_queues_settle(guest);
	if (now_ms < withdraw->wait_until_ms)
		return true;
	withdraw->late = true;
	withdraw->lacking = 0;
	return false;
}
