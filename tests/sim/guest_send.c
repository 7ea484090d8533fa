// SPDX-License-Identifier: BSD-3-Clause
#include "guest_send.h"

#include <vballoon/abi/memory_balloon.h>

/* A WITHDRAW always finds room: so many descriptors are left alone by others. */
#define WITHDRAW_RESERVE (GUEST_QUEUE_BUFFERS_MAX - 2)

/* Mostly few, so that many messages are needed. */
static uint32_t few_or_many(struct rng *rng, uint32_t most)
{
	uint32_t few = most < 5 ? most : 5;

	return rng_between(rng, 1, rng_chance(rng, 70) ? few : most);
}

static bool send(struct guest_driver *driver, struct guest_message *message, uint16_t reserve)
{
	bool indirect =
		guest_driver_has(driver, GUEST_F_INDIRECT_DESC) && rng_chance(driver->rng, 50);
	uint64_t token = (uint64_t)(message - driver->messages);

	if (!guest_queue_post(&driver->queues[VIRTIO_MEMORY_BALLOON_VQ_TODEV], driver->rng,
			      message->buffer, message->readable, message->writable,
			      indirect ? &message->table : NULL, reserve, token))
		return false;
	message->in_flight = true;
	trace_event(driver->trace, "send", token, message->readable);
	guest_driver_kick(driver, VIRTIO_MEMORY_BALLOON_VQ_TODEV);
	return true;
}

/* HELLO goes alone: whatever it proves or ends must not overtake anything. */
bool guest_send_hello(struct guest_driver *driver)
{
	struct guest_message *message = &driver->messages[MESSAGE_HELLO];

	if (guest_driver_busy(driver))
		return false;
	if (driver->start_over)
		vballoon_decide_start_over(&driver->decide);
	message->passed_over = false;
	guest_message_hello(message, driver->epoch, driver->plan->unit_shift, driver->start_over);
	if (!send(driver, message, 0))
		return false;
	oracle_hello(driver->oracle, driver->epoch);
	driver->hello_wanted = false;
	driver->start_over = false;
	return true;
}

bool guest_send_has_room(const struct guest_driver *driver)
{
	return driver->queues[VIRTIO_MEMORY_BALLOON_VQ_TODEV].ring->free_count >=
	       WITHDRAW_RESERVE + GUEST_QUEUE_BUFFERS_MAX;
}

bool guest_send_message(struct guest_driver *driver, struct guest_message *message)
{
	return send(driver, message, WITHDRAW_RESERVE);
}

bool guest_send_pushed_stats(struct guest_driver *driver)
{
	struct guest_message *message = &driver->messages[MESSAGE_STATS];

	if (!driver->period_ms || driver->now_ms < driver->push_due_ms || message->in_flight)
		return false;
	driver->push_due_ms = driver->now_ms + driver->period_ms;
	guest_message_stats(message, 0, driver->rng);
	driver->pushes++;
	return send(driver, message, WITHDRAW_RESERVE);
}

bool guest_send_stats(struct guest_driver *driver)
{
	struct guest_message *message = &driver->messages[MESSAGE_STATS];

	if (message->in_flight)
		return false;
	guest_message_stats(message, driver->stats_cookie, driver->rng);
	if (!send(driver, message, WITHDRAW_RESERVE))
		return false;
	driver->stats_wanted = false;
	return true;
}

/* A run of units that are in nobody's balloon but taken from the guest. */
static uint32_t take_orphans(struct guest_driver *driver, uint32_t most_units, uint64_t *gpa_out)
{
	const struct machine *machine = driver->os->machine;
	uint32_t frame = 0, units = 0;

	if (!driver->orphan_count)
		return 0;
	while (!driver->orphan[frame])
		frame++;
	*gpa_out = machine_gpa(machine, frame);
	for (uint64_t gpa = *gpa_out; units < most_units; units++) {
		frame = machine_frame(machine, gpa);
		if (frame == MACHINE_NO_FRAME || !driver->orphan[frame])
			break;
		for (uint32_t i = 0; i < guest_driver_unit_pages(driver); i++) {
			driver->orphan[machine_frame(machine, gpa)] = false;
			gpa += machine_page_bytes(machine);
		}
		driver->orphan_count -= guest_driver_unit_pages(driver);
	}
	return units;
}

/* An entry that no device may accept: no memory, no whole unit, or a run that
 * begins in memory, perhaps in use, and ends beyond it. */
static uint64_t bad_entry(struct guest_driver *driver)
{
	const struct machine *machine = driver->os->machine;
	const struct machine_region *last = &machine->regions[machine->region_count - 1];
	uint64_t page = machine_page_bytes(machine);
	uint64_t unit = page * guest_driver_unit_pages(driver);
	uint64_t end = last->region.gpa.value + last->region.size.value;
	bool runs = guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);

	switch (rng_below(driver->rng, 3)) {
	case 0:
		return (end - 1) / unit * unit + (runs ? 1 : unit);
	case 1:
		return unit > page ? unit + page : UINT64_C(1) << 44;
	default:
		return runs ? UINT64_MAX - page + 1 : machine_gpa(machine, 0) + page / 2;
	}
}

/* One entry of at most @most_units; returns how many units it names. */
static uint32_t append_entry(struct guest_driver *driver, struct guest_message *message,
			     uint32_t most_units)
{
	uint64_t page = machine_page_bytes(driver->os->machine);
	uint32_t limit = 1, units;
	uint64_t gpa;

	if (guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS))
		limit = few_or_many(driver->rng, most_units);
	units = take_orphans(driver, limit, &gpa);
	if (!units)
		units = guest_os_inflate(driver->os, guest_driver_unit_pages(driver), limit, &gpa);
	if (!units)
		return 0;
	guest_message_append(message, gpa | (units - 1), false);
	for (uint64_t i = 0; i < (uint64_t)units * guest_driver_unit_pages(driver); i++)
		oracle_add(driver->oracle, gpa + i * page);
	return units;
}

static struct guest_message *idle_add(struct guest_driver *driver)
{
	for (unsigned int i = MESSAGE_ADD; i < MESSAGE_COUNT; i++) {
		if (!driver->messages[i].in_flight)
			return &driver->messages[i];
	}
	return NULL;
}

bool guest_send_add(struct guest_driver *driver, uint64_t pages)
{
	struct guest_message *message = idle_add(driver);
	uint32_t entries = few_or_many(driver->rng, GUEST_MESSAGE_ENTRIES_MAX);
	uint64_t units_left = pages / guest_driver_unit_pages(driver), sent = 0;

	/* Before pages are taken, since they could not be given back if it fails. */
	if (!message || !guest_send_has_room(driver))
		return false;
	guest_message_add(message);
	if (rng_chance(driver->rng, 4))
		guest_message_append(message, bad_entry(driver), true);
	while (entries-- && units_left && message->entry_count < GUEST_MESSAGE_ENTRIES_MAX) {
		uint32_t most = units_left < 64 ? (uint32_t)units_left : 64;
		uint32_t units = append_entry(driver, message, most);

		if (!units)
			break;
		units_left -= units;
		sent += (uint64_t)units * guest_driver_unit_pages(driver);
	}
	if (!sent) {
		vballoon_decide_no_memory(&driver->decide, driver->now_ms);
		return false;
	}
	/* Room for verdicts: usually for all, else for some, or more than all. */
	guest_message_verdicts(message, rng_chance(driver->rng, 85)
						? message->entry_count
						: rng_below(driver->rng, message->entry_count + 4));
	vballoon_decide_add_sent(&driver->decide, sent);
	if (driver->decide.held + driver->decide.adding > driver->decide.target)
		trace_fail(driver->trace, "the driver adds more than it was asked for");
	driver->adds++;
	send(driver, message, WITHDRAW_RESERVE);
	if (driver->mutant == MUTANT_GUEST_TOUCHES_EARLY)
		oracle_touch(driver->oracle,
			     machine_frame(driver->os->machine, message->entries[0]));
	return true;
}

bool guest_send_withdraw(struct guest_driver *driver, uint64_t pages, bool for_pressure)
{
	struct guest_message *message = &driver->messages[MESSAGE_WITHDRAW];
	uint32_t room = few_or_many(driver->rng, GUEST_MESSAGE_ENTRIES_MAX);
	uint32_t reason = VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET;

	if (message->in_flight)
		return false;
	if (for_pressure && guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON))
		reason = rng_chance(driver->rng, 50) ? VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE
						     : VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM;
	/* "A short answer is final for now." */
	if (!for_pressure && driver->now_ms < driver->ask_after_ms)
		trace_fail(driver->trace, "the driver asks again too soon");
	guest_message_withdraw(message, pages, reason, room);
	message->for_pressure = for_pressure;
	if (!send(driver, message, 0))
		trace_fail(driver->trace, "no room for a WITHDRAW");
	vballoon_decide_withdraw_sent(&driver->decide, pages);
	driver->withdraws++;
	return true;
}

void guest_send_no_orphans(struct guest_driver *driver)
{
	for (uint32_t frame = 0; driver->orphan_count; frame++) {
		if (!driver->orphan[frame])
			continue;
		driver->orphan[frame] = false;
		driver->orphan_count--;
		guest_os_deflate(driver->os, frame);
	}
}
