// SPDX-License-Identifier: BSD-3-Clause
#include "guest_answer.h"

#include <inttypes.h>

#include <vballoon/abi/memory_balloon.h>

#include "guest_exchange.h"
#include "guest_report.h"

struct guest_run guest_run_of(const struct guest_driver *driver, uint64_t entry)
{
	uint64_t low = machine_page_bytes(driver->os->machine) - 1;
	struct guest_run run = { entry, guest_driver_unit_pages(driver) };

	if (guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)) {
		run.gpa = entry & ~low;
		run.pages *= (entry & low) + 1;
	}
	return run;
}

bool guest_run_contains(const struct guest_driver *driver, struct guest_run run, uint64_t gpa)
{
	return gpa - run.gpa < run.pages * machine_page_bytes(driver->os->machine);
}

/* The device breaks the rules: take nothing more of it (DRV-BAD-6). */
void guest_answer_refuse(struct guest_driver *driver, const char *why, uint64_t value)
{
	trace_event(driver->trace, "driver refuses", value, 0);
	/* A device that is to go on after it could not answer leaves that message empty. */
	if (!driver->oracle->lenient && !driver->oracle->may_stop)
		trace_fail(driver->trace, "%s: %#" PRIx64, why, value);
	driver->reset_wanted = true;
}

/* The record is empty: what was in the balloon is nobody's, and out of use. */
static void started_over(struct guest_driver *driver)
{
	oracle_start_over(driver->oracle);
	driver->start_overs++;
	driver->orphan_count = 0;
	for (uint32_t frame = 0; frame < driver->os->machine->frames; frame++) {
		driver->orphan[frame] = driver->os->owner[frame] == PAGE_BALLOON;
		driver->orphan_count += driver->orphan[frame];
	}
}

static void take_hello(struct guest_driver *driver, const struct guest_message *message,
		       uint32_t written)
{
	uint64_t held = guest_message_held(message);

	if (written != sizeof(struct virtio_memory_balloon_hello_answer)) {
		guest_answer_refuse(driver, "HELLO was answered with bytes", written);
		return;
	}
	if (message->start_over) {
		started_over(driver);
		if (held)
			guest_answer_refuse(driver, "started over, but the device holds pages",
					    held);
	}
	driver->no_record &= message->passed_over;
	if (vballoon_decide_greeted(&driver->decide, held))
		return;
	if (driver->mutant == MUTANT_GUEST_IGNORES_HELD) {
		driver->decide.greeted = true;
		return;
	}
	driver->hello_wanted = true;
	driver->start_over = true;
}

static void free_page(struct guest_driver *driver, uint64_t gpa)
{
	guest_os_deflate(driver->os, machine_frame(driver->os->machine, gpa));
}

void guest_expect_zeros(const struct guest_driver *driver, uint64_t gpa)
{
	if (guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_ZEROED) && !driver->oracle->lenient)
		guest_os_check_zeros(driver->os, machine_frame(driver->os->machine, gpa));
}

bool guest_take_returned(struct guest_driver *driver, uint64_t gpa)
{
	if (!oracle_returned(driver->oracle, gpa)) {
		guest_answer_refuse(driver, "handed back what was not held", gpa);
		return false;
	}
	guest_expect_zeros(driver, gpa);
	free_page(driver, gpa);
	return true;
}

/* Returns how many pages of the entry came back, 0 when it must not be. */
static uint64_t take_returned(struct guest_driver *driver, struct guest_run run, uint64_t most)
{
	uint64_t page = machine_page_bytes(driver->os->machine);

	if (run.pages > most || run.gpa % (page * guest_driver_unit_pages(driver))) {
		guest_answer_refuse(driver, "handed back too much, or misaligned", run.gpa);
		return 0;
	}
	for (uint64_t i = 0; i < run.pages; i++) {
		if (!guest_take_returned(driver, run.gpa + i * page))
			return 0;
	}
	return run.pages;
}

static void take_withdraw(struct guest_driver *driver, const struct guest_message *message,
			  uint32_t written)
{
	uint32_t entries = written / (uint32_t)sizeof(uint64_t);
	unsigned int answer = message->for_pressure ? VBALLOON_DECIDE_FOR_PRESSURE : 0;
	uint64_t pages = 0;

	if (written % sizeof(uint64_t))
		guest_answer_refuse(driver, "handed back part of an entry", written);
	for (uint32_t i = 0; i < entries && !driver->reset_wanted; i++)
		pages += take_returned(driver,
				       guest_run_of(driver, guest_message_returned(message, i)),
				       message->most - pages);
	if (written == message->writable) {
		answer |= VBALLOON_DECIDE_ANSWER_FULL;
		driver->full_answers++;
	} else if (pages < message->most / guest_driver_unit_pages(driver) *
				   guest_driver_unit_pages(driver)) {
		driver->ask_after_ms = driver->now_ms + 1000;
	}
	driver->returned_pages += pages;
	if (driver->mutant == MUTANT_GUEST_LOSES_PAGE && pages)
		pages--;
	vballoon_decide_withdraw_answered(&driver->decide, pages, answer, driver->now_ms);
}

static void take_add(struct guest_driver *driver, const struct guest_message *message,
		     uint32_t written)
{
	uint64_t page = machine_page_bytes(driver->os->machine);
	uint64_t pages = 0, accepted_pages = 0;

	if (written > message->entry_count)
		guest_answer_refuse(driver, "more verdicts than entries", written);
	for (uint32_t i = 0; i < message->entry_count; i++) {
		struct guest_run run = guest_run_of(driver, message->entries[i]);
		bool accepted = guest_message_accepted(message, i, written);

		if (message->bad[i]) {
			if (accepted && i < message->writable)
				guest_answer_refuse(driver, "accepted what must be refused",
						    run.gpa);
			continue;
		}
		pages += run.pages;
		accepted_pages += accepted ? run.pages : 0;
		for (uint64_t j = 0; j < run.pages; j++) {
			oracle_add_answered(driver->oracle, run.gpa + j * page, accepted);
			if (!accepted || driver->mutant == MUTANT_GUEST_FREES_ACCEPTED)
				free_page(driver, run.gpa + j * page);
		}
	}
	vballoon_decide_add_answered(&driver->decide, pages, accepted_pages, driver->now_ms);
}

void guest_answer_take(struct guest_driver *driver, struct guest_message *message, uint32_t written)
{
	message->in_flight = false;
	trace_event(driver->trace, "answer", (uint64_t)(message - driver->messages), written);
	if (message == &driver->messages[MESSAGE_HELLO])
		take_hello(driver, message, written);
	else if (message == &driver->messages[MESSAGE_WITHDRAW])
		take_withdraw(driver, message, written);
	else if (message == &driver->messages[MESSAGE_EXCHANGE])
		guest_exchange_answered(driver, message, written);
	else if (message == &driver->messages[MESSAGE_REPORT])
		guest_report_answered(driver, message, written);
	else if (message >= &driver->messages[MESSAGE_ADD])
		take_add(driver, message, written);
	else if (written)
		guest_answer_refuse(driver, "what has no answer was answered with bytes", written);
}

static enum oracle_news hello_news(const struct guest_message *message)
{
	return message->start_over ? ORACLE_NEWS_GUEST : ORACLE_NEWS_NONE;
}

static enum oracle_news withdraw_news(const struct guest_driver *driver,
				      const struct guest_message *message, uint32_t written,
				      uint64_t gpa)
{
	for (uint32_t i = 0; i < written / sizeof(uint64_t); i++) {
		if (guest_run_contains(
			    driver, guest_run_of(driver, guest_message_returned(message, i)), gpa))
			return ORACLE_NEWS_GUEST;
	}
	return ORACLE_NEWS_NONE;
}

static enum oracle_news add_news(const struct guest_driver *driver,
				 const struct guest_message *message, uint32_t written,
				 uint64_t gpa)
{
	for (uint32_t i = 0; i < message->entry_count; i++) {
		if (!message->bad[i] &&
		    guest_run_contains(driver, guest_run_of(driver, message->entries[i]), gpa))
			return guest_message_accepted(message, i, written) ? ORACLE_NEWS_ACCEPTED
									   : ORACLE_NEWS_GUEST;
	}
	return ORACLE_NEWS_NONE;
}

enum oracle_news guest_answer_news(void *context, uint64_t gpa)
{
	const struct guest_driver *driver = context;
	const struct guest_queue *queue = &driver->queues[VIRTIO_MEMORY_BALLOON_VQ_TODEV];
	enum oracle_news news = ORACLE_NEWS_NONE;
	uint32_t written;

	for (unsigned int i = 0; i < MESSAGE_COUNT && news == ORACLE_NEWS_NONE; i++) {
		const struct guest_message *message = &driver->messages[i];

		if (!message->in_flight || !guest_queue_published(queue, i, &written))
			continue;
		if (i == MESSAGE_HELLO)
			news = hello_news(message);
		else if (i == MESSAGE_WITHDRAW)
			news = withdraw_news(driver, message, written, gpa);
		else if (i == MESSAGE_EXCHANGE)
			news = guest_exchange_news(driver, message, written, gpa);
		else if (i == MESSAGE_REPORT)
			news = guest_report_news(driver, message, gpa);
		else if (i >= MESSAGE_ADD)
			news = add_news(driver, message, written, gpa);
	}
	return news;
}
