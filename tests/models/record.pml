/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a page has one owner: whatever happens between ADD, WITHDRAW, a pause and a reset, and
 * whenever memory is dropped.
 *
 * A page is the driver's, or given; the device holds it, or does not. Its queues stop at any
 * time, in the midst of a message too: for a pause, after which the same driver goes on, or for a
 * reset, after which all memory is the guest's again and a driver with another epoch begins. The
 * device cannot tell one from the other. Faults to plant are the names below #ifdef.
 *
 * The steps are functions of src/device and src/driver.
 */
#include "reached.h"

#define PAGES 2
#define RESETS 2
#define PAUSES 3

#define DRIVERS 0 /* and in use */
#define GIVEN 1

#define NONE 0
#define UNPROVEN 1
#define PROVEN 2

#define NO_PAGE PAGES

mtype = { nothing, hello, add, withdraw };
mtype = { handed_back, undone, dropped_after_a_pause };

/* The queue: one message, and its answer. */
mtype message = nothing;
byte message_value; /* a page, or an epoch */
bool answered;
byte answer; /* a page, or NO_PAGE */
bool running = true;

byte owner[PAGES] = DRIVERS;
byte epoch = 1;
bool greeted; /* the driver has said HELLO in this epoch */
byte resets, pauses;

bool held[PAGES];
byte record = NONE;
byte record_epoch;
byte step; /* of the message that is in work */
byte taken = NO_PAGE; /* off the record, and the driver does not know yet */

/* vballoon_device_stop_queue(), queue_changed() */
inline stop()
{
	running = false;
	if /* vballoon_device_doubt() */
	:: record == PROVEN -> record = UNPROVEN
	:: else
	fi;
#ifndef NO_UNDO
	if /* vballoon_todevq_leave(), vballoon_withdraw_undo() */
	:: taken < NO_PAGE -> held[taken] = true; REACHED(undone)
	:: else
	fi;
#endif
	taken = NO_PAGE;
	step = 0
}

/* Whoever may stop a machine. */
active proctype monitor()
{
end:
	do
	:: atomic { running && pauses < PAUSES -> pauses++; stop() }
	:: atomic { !running -> running = true } /* vballoon_device_start_queue() */
	od
}

inline say(what, value)
{
	message_value = value;
	message = what
}

/* vballoon_guest_run() */
active proctype driver()
{
	byte page;
end:
	do
	:: atomic { /* a reset, which stops the queues: vballoon_guest_restart(), leave() */
		resets < RESETS ->
		resets++;
		stop();
		message = nothing;
		answered = false;
		owner[0] = DRIVERS;
		owner[1] = DRIVERS;
		epoch++;
#ifdef SPEAKS_WITHOUT_HELLO
		skip
#else
		greeted = false
#endif
	   }
	:: atomic { message == nothing && !greeted -> say(hello, epoch) } /* vballoon_guest_hello_send() */
	:: atomic { /* vballoon_decide_next() */
		message == nothing && greeted ->
		if /* nothing is lost while nothing is under way */
		:: record == PROVEN && record_epoch == epoch ->
			assert((owner[0] == GIVEN) == held[0]);
			assert((owner[1] == GIVEN) == held[1])
		:: else
		fi;
		if
		/* vballoon_guest_add_send(), vballoon_guest_withdraw_send() */
		:: owner[0] == DRIVERS -> owner[0] = GIVEN; say(add, 0)
		:: owner[1] == DRIVERS -> owner[1] = GIVEN; say(add, 1)
		:: say(withdraw, 0)
		fi
	   }
	:: atomic {
		answered ->
		if
		/* vballoon_guest_hello_answered() */
		:: message == hello -> greeted = true
		/* vballoon_guest_add_answered() */
		:: message == add && answer == NO_PAGE -> owner[message_value] = DRIVERS
		/* vballoon_guest_withdraw_answered() */
		:: message == withdraw && answer < NO_PAGE ->
			assert(owner[answer] == GIVEN);
			owner[answer] = DRIVERS;
			REACHED(handed_back)
		:: else
		fi;
		answered = false;
		message = nothing
	   }
	od
}

/* vballoon_device_use() */
inline publish(value)
{
	answer = value;
	answered = true;
	step = 0
}

/* vballoon_device_run() */
active proctype device()
{
	byte page;
end:
	do
	:: atomic { /* vballoon_drop_run(), may_drop() */
#ifdef DROPS_IN_DOUBT
		running && record != NONE && (held[0] || held[1]) ->
#else
		running && record == PROVEN && (held[0] || held[1]) ->
#endif
		assert(!held[0] || owner[0] == GIVEN);
		assert(!held[1] || owner[1] == GIVEN);
		if
		:: pauses == PAUSES -> REACHED(dropped_after_a_pause)
		:: else
		fi
	   }
	:: atomic { /* vballoon_message_hello(), is_recorded(), begin_record() */
		running && message == hello && !answered ->
#ifndef KEEPS_THE_RECORD
		if
		:: record == NONE || record_epoch != message_value -> held[0] = false; held[1] = false
		:: else
		fi;
#endif
		record_epoch = message_value;
		record = PROVEN;
		publish(NO_PAGE)
	   }
	:: atomic { /* learn_from(), vballoon_message_add(), judge() */
		running && message == add && !answered && step == 0 ->
		assert(record != NONE);
		record = PROVEN;
		if
		/* refuse(): what was accepted is so again, when it is taken anew. */
		:: !held[message_value] -> publish(NO_PAGE)
		:: held[message_value] = true; step = 1
		fi
	   }
	:: atomic { running && message == add && step == 1 -> publish(message_value) } /* answer() */
	:: atomic { /* learn_from(), vballoon_message_withdraw(), give() */
		running && message == withdraw && !answered && step == 0 ->
		assert(record != NONE);
		record = PROVEN;
		if
		:: !(held[0] || held[1]) -> publish(NO_PAGE)
		:: held[0] -> page = 0; step = 1
		:: held[1] -> page = 1; step = 1
		fi;
		if
		:: step == 1 ->
			taken = page;
#ifndef ANSWERS_FIRST
			held[page] = false
#endif
		:: else
		fi
	   }
	:: atomic { /* vballoon_todevq_run(), answer() */
		running && message == withdraw && step == 1 ->
		publish(taken);
#ifdef ANSWERS_FIRST
		step = 2
#else
		taken = NO_PAGE
#endif
	   }
#ifdef ANSWERS_FIRST
	:: atomic { running && step == 2 -> held[taken] = false; taken = NO_PAGE; step = 0 }
#endif
	od
}
