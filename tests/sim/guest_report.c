// SPDX-License-Identifier: BSD-3-Clause
#include "guest_report.h"

#include <vballoon/abi/memory_balloon.h>

#include "guest_answer.h"
#include "guest_send.h"

#define UNITS_MAX 48

/* A page of the balloon that is not on its way back, which no device may give back for a
 * report. */
static void append_bad(struct guest_driver *driver, struct guest_message *message)
{
	const struct machine *machine = driver->os->machine;
	uint64_t unit = machine_page_bytes(machine) * guest_driver_unit_pages(driver);
	uint32_t start = rng_below(driver->rng, machine->frames);

	if (driver->messages[MESSAGE_WITHDRAW].in_flight ||
	    driver->messages[MESSAGE_EXCHANGE].in_flight)
		return;
	for (uint32_t i = 0; i < machine->frames; i++) {
		uint32_t frame = (start + i) % machine->frames;
		uint64_t gpa = machine_gpa(machine, frame);

		if (driver->oracle->owner[frame] != ORACLE_BALLOON || gpa % unit)
			continue;
		guest_message_append(message, gpa, true);
		return;
	}
}

static bool append_free(struct guest_driver *driver, struct guest_message *message)
{
	uint64_t page = machine_page_bytes(driver->os->machine);
	uint32_t units = rng_between(driver->rng, 1, UNITS_MAX);
	uint64_t gpa;

	units = guest_os_isolate(driver->os, guest_driver_unit_pages(driver), units, &gpa);
	if (!units)
		return false;
	guest_message_append(message, gpa | (units - 1), false);
	for (uint64_t i = 0; i < (uint64_t)units * guest_driver_unit_pages(driver); i++)
		oracle_report(driver->oracle, gpa + i * page);
	return true;
}

bool guest_report_send(struct guest_driver *driver)
{
	struct guest_message *message = &driver->messages[MESSAGE_REPORT];
	uint32_t entries = rng_between(driver->rng, 1, 8);

	if (!guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_REPORTING) || message->in_flight ||
	    !guest_send_has_room(driver))
		return false;
	guest_message_report(message);
	message->passed_over = driver->no_record;
	if (rng_chance(driver->rng, 15))
		append_bad(driver, message);
	while (entries-- && append_free(driver, message))
		;
	if (!message->entry_count)
		return false;
	/* A driver may do without some verdicts, or all. */
	guest_message_verdicts(message, rng_chance(driver->rng, 70)
						? message->entry_count
						: rng_below(driver->rng, message->entry_count + 1));
	driver->reports++;
	if (!guest_send_message(driver, message))
		return false;
	if (driver->mutant == MUTANT_GUEST_USES_REPORTED && !message->bad[0])
		oracle_touch(driver->oracle,
			     machine_frame(driver->os->machine,
					   message->entries[0] &
						   ~(machine_page_bytes(driver->os->machine) - 1)));
	return true;
}

bool guest_report_round(struct guest_driver *driver)
{
	struct guest_message *done = &driver->messages[MESSAGE_REPORT_DONE];

	if (!driver->round || done->in_flight || !guest_send_has_room(driver))
		return false;
	if (driver->messages[MESSAGE_REPORT].in_flight)
		return false;
	if (driver->round_left) {
		driver->round_left--;
		if (guest_report_send(driver))
			return true;
	}
	guest_message_report_done(done, driver->round);
	driver->round = 0;
	return guest_send_message(driver, done);
}

/* Proves DEV-REPORT-9, DEV-REPORT-11, DEV-ZEROED-5. */
void guest_report_answered(struct guest_driver *driver, const struct guest_message *message,
			   uint32_t written)
{
	uint64_t page = machine_page_bytes(driver->os->machine);

	if (written !=
	    (message->writable < message->entry_count ? message->writable : message->entry_count))
		guest_answer_refuse(driver, "not a verdict on each entry that has room", written);
	for (uint32_t i = 0; i < message->entry_count; i++) {
		struct guest_run run = guest_run_of(driver, message->entries[i]);
		bool yes = i < written && guest_message_accepted(message, i, written);

		if (message->bad[i]) {
			if (yes)
				guest_answer_refuse(driver, "took a held page for reported",
						    run.gpa);
			continue;
		}
		for (uint64_t j = 0; j < run.pages; j++) {
			oracle_reported(driver->oracle, run.gpa + j * page);
			if (yes || !(message->passed_over || driver->plan->clear_failures))
				guest_expect_zeros(driver, run.gpa + j * page);
			guest_os_return(driver->os,
					machine_frame(driver->os->machine, run.gpa + j * page));
		}
	}
}

enum oracle_news guest_report_news(const struct guest_driver *driver,
				   const struct guest_message *message, uint64_t gpa)
{
	for (uint32_t i = 0; i < message->entry_count; i++) {
		if (!message->bad[i] &&
		    guest_run_contains(driver, guest_run_of(driver, message->entries[i]), gpa))
			return ORACLE_NEWS_GUEST;
	}
	return ORACLE_NEWS_NONE;
}
