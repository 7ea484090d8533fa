/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why memory that the guest reports as free is never dropped once the guest uses it: when the
 * device takes long over it, when its queues stop in between, and when the guest begins anew.
 *
 * Reported memory stays the guest's: only that it is not used until the answer keeps it safe. The
 * device drops a report in several steps. Faults to plant are the names below #ifdef.
 *
 * The steps are functions of src/device and kernel/report.c.
 */
#include "reached.h"

#define PARTS 2 /* of a report: as much as is dropped in one step */
#define RESETS 2
#define PAUSES 2

bool available; /* a report is in the queue */
bool answered;
bool running = true;
bool used[PARTS] = true; /* by the guest */
byte at; /* the next part to drop */
bool in_work;
byte resets, pauses;

mtype = { is_answered, begun_anew };

/* vballoon_device_stop_queue(), vballoon_todevq_leave(): the report is put back */
inline stop()
{
	running = false;
#ifndef GOES_ON_AFTER_A_STOP
	if
	:: in_work && at > 0 -> REACHED(begun_anew)
	:: else
	fi;
	in_work = false;
	at = 0
#endif
}

active proctype monitor()
{
end:
	do
	:: atomic { running && pauses < PAUSES -> pauses++; stop() }
	:: atomic { !running -> running = true } /* vballoon_device_start_queue() */
	od
}

/* Linux's page_reporting_cycle(), report_pages(): memory is isolated, reported, and free again with
 * the answer */
active proctype guest()
{
end:
	do
	/* report_send() */
	:: atomic { !available && !answered -> used[0] = false; used[1] = false; available = true }
#ifdef USES_UNANSWERED
	:: atomic { available -> used[0] = true }
#endif
	/* report_answered() */
	:: atomic { answered -> answered = false; used[0] = true; used[1] = true; REACHED(is_answered) }
	:: atomic { /* vballoon_report_stop() */
		resets < RESETS ->
		resets++;
		stop();
		available = false;
		answered = false;
		used[0] = true;
		used[1] = true
	   }
	od
}

active proctype device()
{
end:
	do
	/* vballoon_message_report() */
	:: atomic { running && available && !in_work -> in_work = true; at = 0 }
	:: atomic { /* vballoon_report_resume(), vballoon_discard_step() */
		running && in_work && at < PARTS ->
		assert(!used[at]);
		at++
#ifdef ANSWERS_EARLY
		; if
		:: available && at == 1 -> available = false; answered = true
		:: else
		fi
#endif
	   }
	:: atomic { /* answer(), vballoon_device_use() */
		running && in_work && at == PARTS ->
		in_work = false;
		if
		:: available -> available = false; answered = true
		:: else
		fi
	   }
	od
}
