// SPDX-License-Identifier: BSD-3-Clause
#include "guest_exchange.h"

#include <inttypes.h>

#include <vballoon/abi/memory_balloon.h>

#include "guest_answer.h"
#include "guest_send.h"

#define UNITS_MAX 6

static uint64_t unit_bytes(const struct guest_driver *driver)
{
	return machine_page_bytes(driver->os->machine) * guest_driver_unit_pages(driver);
}

/* Whether the unit at @gpa is in the balloon by all accounts, and no pair of @message
 * names it. */
static bool can_be_taken(const struct guest_driver *driver, const struct guest_message *message,
			 uint64_t gpa)
{
	const struct machine *machine = driver->os->machine;

	for (uint32_t i = 0; i < guest_driver_unit_pages(driver); i++) {
		uint32_t frame = machine_frame(machine, gpa + i * machine_page_bytes(machine));

		if (frame == MACHINE_NO_FRAME || driver->os->owner[frame] != PAGE_BALLOON ||
		    driver->oracle->owner[frame] != ORACLE_BALLOON)
			return false;
	}
	for (unsigned int i = 0; i < message->entry_count; i++) {
		if (guest_run_contains(driver, guest_run_of(driver, message->takes[i]), gpa))
			return false;
	}
	return true;
}

/* A run of units that may be taken, at most @most. Returns how many. */
static uint32_t find_taken(struct guest_driver *driver, const struct guest_message *message,
			   uint32_t most, uint64_t *gpa_out)
{
	const struct machine *machine = driver->os->machine;
	uint64_t unit = unit_bytes(driver);
	uint32_t start = rng_below(driver->rng, machine->frames), units = 0;

	for (uint32_t i = 0; i < machine->frames; i++) {
		*gpa_out = machine_gpa(machine, (start + i) % machine->frames);
		if (*gpa_out % unit == 0 && can_be_taken(driver, message, *gpa_out))
			break;
	}
	while (units < most && *gpa_out % unit == 0 &&
	       can_be_taken(driver, message, *gpa_out + units * unit))
		units++;
	return units;
}

/* The address of a unit that begins in a page of the guest's own. */
static uint64_t find_own(struct guest_driver *driver)
{
	const struct machine *machine = driver->os->machine;
	uint32_t start = rng_below(driver->rng, machine->frames);

	for (uint32_t i = 0; i < machine->frames; i++) {
		uint32_t frame = (start + i) % machine->frames;
		uint64_t gpa = machine_gpa(machine, frame);

		if (driver->os->owner[frame] == PAGE_USED && gpa % unit_bytes(driver) == 0)
			return gpa;
	}
	return UINT64_MAX / unit_bytes(driver) * unit_bytes(driver);
}

/* What no device may carry out: what is taken is the guest's own, or the lengths differ. */
static void append_bad(struct guest_driver *driver, struct guest_message *message)
{
	bool runs = guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
	uint64_t own = find_own(driver);
	uint64_t gpa;

	if (runs && rng_chance(driver->rng, 50) && find_taken(driver, message, 2, &gpa) == 2)
		guest_message_pair(message, own, gpa | 1, true);
	else
		guest_message_pair(message, VIRTIO_MEMORY_BALLOON_GIVE_NOTHING, own, true);
}

/* One pair; false when there is nothing to take. */
static bool append_pair(struct guest_driver *driver, struct guest_message *message)
{
	bool runs = guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
	uint64_t page = machine_page_bytes(driver->os->machine);
	uint32_t most = runs ? rng_between(driver->rng, 1, UNITS_MAX) : 1;
	uint64_t give = VIRTIO_MEMORY_BALLOON_GIVE_NOTHING, take;
	uint32_t units = find_taken(driver, message, most, &take), given = 0;

	if (!units)
		return false;
	if (rng_chance(driver->rng, 70))
		given = guest_os_inflate(driver->os, guest_driver_unit_pages(driver), units, &give);
	if (given)
		units = given;
	for (uint64_t i = 0; i < (uint64_t)given * guest_driver_unit_pages(driver); i++)
		oracle_add(driver->oracle, give + i * page);
	guest_message_pair(message, given ? give | (given - 1) : give, take | (units - 1), false);
	return true;
}

bool guest_exchange_send(struct guest_driver *driver)
{
	struct guest_message *message = &driver->messages[MESSAGE_EXCHANGE];
	uint32_t pairs = rng_between(driver->rng, 1, GUEST_MESSAGE_PAIRS_MAX - 1);

	if (!guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_EXCHANGE) || message->in_flight ||
	    !guest_send_has_room(driver))
		return false;
	guest_message_exchange(message);
	if (rng_chance(driver->rng, 15))
		append_bad(driver, message);
	while (pairs-- && append_pair(driver, message))
		;
	if (!message->entry_count)
		return false;
	guest_message_verdicts(message, message->entry_count + rng_below(driver->rng, 3));
	driver->exchanges++;
	return guest_send_message(driver, message);
}

/* The device has carried a pair out. False: what it hands back is not its to give. */
static bool take_pair(struct guest_driver *driver, struct guest_run give, bool gives,
		      struct guest_run take)
{
	uint64_t page = machine_page_bytes(driver->os->machine);

	for (uint64_t i = 0; i < take.pages; i++) {
		if (gives)
			oracle_add_answered(driver->oracle, give.gpa + i * page, true);
		if (!guest_take_returned(driver, take.gpa + i * page))
			return false;
	}
	if (!gives)
		driver->decide.held -= take.pages;
	return true;
}

static void keep_given(struct guest_driver *driver, struct guest_run give)
{
	uint64_t page = machine_page_bytes(driver->os->machine);

	for (uint64_t i = 0; i < give.pages; i++) {
		oracle_add_answered(driver->oracle, give.gpa + i * page, false);
		guest_os_deflate(driver->os,
				 machine_frame(driver->os->machine, give.gpa + i * page));
	}
}

void guest_exchange_answered(struct guest_driver *driver, const struct guest_message *message,
			     uint32_t written)
{
	if (written != message->entry_count && !driver->oracle->lenient &&
	    (written || !driver->oracle->may_stop))
		trace_fail(driver->trace, "EXCHANGE was answered with %" PRIu32 " bytes", written);
	/* Also where a reset is wanted: till then the device goes by what it has answered. */
	for (uint32_t i = 0; i < message->entry_count; i++) {
		bool accepted = i < written && guest_message_accepted(message, i, written);
		bool gives = message->entries[i] != VIRTIO_MEMORY_BALLOON_GIVE_NOTHING;
		struct guest_run give = guest_run_of(driver, message->entries[i]);
		struct guest_run take = guest_run_of(driver, message->takes[i]);

		if (message->bad[i]) {
			if (accepted)
				guest_answer_refuse(driver, "carried out what must be refused",
						    take.gpa);
			continue;
		}
		if (accepted || driver->mutant == MUTANT_GUEST_TAKES_REFUSED) {
			if (!take_pair(driver, give, gives, take))
				break;
		} else if (gives) {
			keep_given(driver, give);
		}
	}
}

enum oracle_news guest_exchange_news(const struct guest_driver *driver,
				     const struct guest_message *message, uint32_t written,
				     uint64_t gpa)
{
	for (uint32_t i = 0; i < message->entry_count; i++) {
		bool accepted = i < written && guest_message_accepted(message, i, written);

		if (message->bad[i])
			continue;
		if (message->entries[i] != VIRTIO_MEMORY_BALLOON_GIVE_NOTHING &&
		    guest_run_contains(driver, guest_run_of(driver, message->entries[i]), gpa))
			return accepted ? ORACLE_NEWS_ACCEPTED : ORACLE_NEWS_GUEST;
		if (accepted &&
		    guest_run_contains(driver, guest_run_of(driver, message->takes[i]), gpa))
			return ORACLE_NEWS_GUEST;
	}
	return ORACLE_NEWS_NONE;
}
