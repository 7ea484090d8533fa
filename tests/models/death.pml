/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a front end has one answer to each of its messages, and a message one effect, whenever
 * workers die: between any two steps of taking, carrying out, keeping and answering it.
 *
 * A message brings a descriptor in place of the one before, and its effect is that one more was
 * carried out, which is its answer. The supervisor lives. Faults to plant are the names below
 * #ifdef.
 *
 * The steps are functions of src/supervisor and src/vhost_user.
 */
#include "reached.h"

#define MESSAGES 3
#define DEATHS 3

#define NONE 0
#define DONE 255 /* the whole of an answer is there: VBALLOON_RELAY_DONE */

mtype = { keep, forget };
mtype = { all_are_answered, answered_from_memory, taken_anew };

chan from_front = [1] of { byte };
chan to_front = [2] of { byte };
/* The relay, both ways; and the keeper, whose notes outlive who wrote them. */
chan down = [2] of { byte };
chan up = [4] of { byte };
chan notes = [8] of { mtype, byte };

bool all_answered;
byte deaths;

/* struct vballoon_store: descriptors, by the message that brought them */
bool store[MESSAGES + 1];

/* struct vballoon_kept_file: two states and which of them counts */
byte kept_messages[2], kept_effect[2];
bit turn;

/* The worker: what dies with it. */
mtype = { born, listens, takes, handles, keeps, writes, writes_on, turns, forgets, flushes,
	  flushes_on, repeats };
bool alive = true;
mtype step = born;
bool has[MESSAGES + 1]; /* what it was started with */
byte messages, effect;
byte message;
bool repeated;

active proctype front_end()
{
	byte sent, answer;

	do
	:: sent < MESSAGES ->
		sent++;
		from_front ! sent;
		to_front ? answer;
		assert(answer == sent)
	:: else -> break
	od;
	all_answered = true
}

/* vballoon_supervisor_run() */
active proctype supervisor()
{
	byte at_hand, answered, part, value, number;
	mtype note;
	bool given;
end:
	do
	:: atomic { /* vballoon_supervisor_read_note(), take_note(): keep(), forget() */
		notes ? note, number ->
		store[number] = (note == keep)
	   }
	:: atomic { at_hand == NONE && from_front ? [value] -> from_front ? at_hand } /* read_some() */
	:: atomic { /* give() */
		alive && at_hand != NONE && !given ->
		down ! answered;
		down ! at_hand;
		given = true
#ifdef FORGETS_WHAT_IT_GAVE
		; at_hand = NONE
#endif
	   }
	:: atomic { /* read_answer(), look_for_end() */
		given && nempty(up) ->
		up ? value;
		if
		:: value == DONE -> answered++; at_hand = NONE; given = false;
#ifndef PASSES_ON_A_PART
			to_front ! part;
#endif
			part = NONE
		:: else -> part = value;
#ifdef PASSES_ON_A_PART
			to_front ! value
#endif
		fi
	   }
	:: atomic { /* worker_ended(), vballoon_front_detach(), start(), vballoon_worker_start() */
#ifdef LEAVES_NOTES_UNREAD
		!alive ->
		do
		:: notes ? note, number
		:: empty(notes) -> break
		od;
#else
		/* Until vballoon_supervisor_read_note() has none; likewise what it has answered. */
		!alive && empty(notes) &&
#endif
		(!given || empty(up)) ->
		if
		:: given -> REACHED(taken_anew)
		:: else
		fi;
		do
		:: down ? value
		:: empty(down) -> break
		od;
		do
		:: up ? value
		:: empty(up) -> break
		od;
		given = false;
		part = NONE;
		number = 0;
		do
		:: number <= MESSAGES -> has[number] = store[number]; number++
		:: else -> break
		od;
		step = born;
		alive = true
	   }
	od
}

/* kill(2), or whatever ends a process */
active proctype fate()
{
end:
	do
	:: atomic { alive && deaths < DEATHS -> deaths++; alive = false }
	od
}

active proctype worker()
{
end:
	do
	:: atomic { /* vballoon_kept_take() */
		alive && step == born ->
		messages = kept_messages[turn];
		effect = kept_effect[turn];
		/* take_slot() */
		assert(messages == 0 || has[messages]);
		step = listens
	   }
	:: atomic { /* message_announced() */
		alive && step == listens && nempty(down) ->
		down ? message;
#ifdef CARRIES_OUT_AGAIN
		repeated = false;
#else
		repeated = message < messages;
#endif
		step = takes
	   }
	:: atomic { /* message_take() */
		alive && step == takes ->
		down ? message;
		if
		:: repeated -> step = repeats
		:: else -> messages++; step = handles
		fi
	   }
	:: atomic { /* message_repeat() */
		alive && step == repeats ->
		up ! kept_effect[turn];
		up ! DONE;
		REACHED(answered_from_memory);
		step = listens
	   }
	:: atomic { /* message_handle() */
		alive && step == handles ->
		effect++;
#ifdef ANSWERS_BEFORE_IT_KEEPS
		up ! effect;
		up ! DONE;
#endif
#ifdef KEEPS_AFTER_THE_TURN
		step = writes
#else
		step = keeps
#endif
	   }
	:: atomic { /* vballoon_kept_update(): keep_slot() */
		alive && step == keeps ->
		notes ! keep, message;
#ifdef KEEPS_AFTER_THE_TURN
		step = forgets
#elif defined(FORGETS_BEFORE_THE_TURN)
		notes ! forget, message - 1;
		step = writes
#else
		step = writes
#endif
	   }
#ifdef WRITES_IN_PLACE
#define OTHER turn
#else
#define OTHER (1 - turn)
#endif
	/* write_state() */
	:: atomic { alive && step == writes -> kept_messages[OTHER] = messages; step = writes_on }
	:: atomic { alive && step == writes_on -> kept_effect[OTHER] = effect; step = turns }
	:: atomic { /* vballoon_kept_update() */
		alive && step == turns ->
#ifndef WRITES_IN_PLACE
		turn = 1 - turn;
#endif
#ifdef KEEPS_AFTER_THE_TURN
		step = keeps
#else
		step = forgets
#endif
	   }
	:: atomic { /* forget_slots() */
		alive && step == forgets ->
		notes ! forget, message - 1;
#ifdef ANSWERS_BEFORE_IT_KEEPS
		step = listens
#else
		step = flushes
#endif
	   }
	:: atomic { /* vballoon_channel_finish(), vballoon_channel_flush() */
		alive && step == flushes ->
		up ! effect;
		step = flushes_on
	   }
	:: atomic { alive && step == flushes_on -> up ! DONE; step = listens }
	od
}

active proctype watch()
{
	timeout -> assert(all_answered); REACHED(all_are_answered)
}
