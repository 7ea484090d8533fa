/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why nobody sleeps on a split ring while there is work: pairs 3 and 4 of src/ring/split.h.
 *
 * One side publishes, the other takes and sleeps when there is nothing. That is the driver and
 * the device for kicks, the device and the driver for interrupts. What a side stores reaches the
 * other later, in order, as on x86: its stores wait in a channel until its cache writes them, or
 * until it fences.
 *
 * With EVENTS the sleeper names an index, without it sets or clears a flag. The model ends when
 * nobody can go on: then all must be taken. Faults to plant are the names below #ifdef.
 *
 * The steps are functions of src/ring: for kicks, and for interrupts.
 */
#include "reached.h"

#define SIZE 2
#define MODULUS 8 /* of the indices: 2^16 in life */
#define MESSAGES 10

#define NO_NOTIFY 1

mtype = { all_taken, woken_up, left_asleep };

byte published; /* the index in memory */
byte wish; /* the event index or the flag in memory */
byte taken; /* messages */
bool woken;

chan publisher_stores = [SIZE] of { byte };
chan sleeper_stores = [2] of { byte };

active proctype publisher_cache()
{
end:
	do
	:: atomic { nempty(publisher_stores) -> publisher_stores ? published }
	od
}

active proctype sleeper_cache()
{
end:
	do
	:: atomic { nempty(sleeper_stores) -> sleeper_stores ? wish }
	od
}

inline fence(stores)
{
	empty(stores)
}

/* vballoon_driver_ring_should_kick(), vballoon_device_ring_should_notify() */
inline wake_if_wanted()
{
#ifndef NO_FENCE_BEFORE_THE_WISH
	fence(publisher_stores);
#endif
	read = wish; /* wants_kick(), wants_interrupt() */
	if
#ifdef EVENTS
#ifdef A_STEP_LATE
	:: (index + MODULUS - read - 1) % MODULUS < count - 1 -> woken = true
#else
	:: (index + MODULUS - read - 1) % MODULUS < count -> woken = true
#endif
#else
	:: read != NO_NOTIFY -> woken = true
#endif
	:: else -> REACHED(left_asleep)
	fi;
	count = 0
}

active proctype publisher()
{
	byte index, posted, count, read;

	do
	:: posted < MESSAGES && posted - taken < SIZE -> /* publish(), use() */
		atomic { index = (index + 1) % MODULUS; posted++; count++ };
		publisher_stores ! index
	:: count > 0 -> wake_if_wanted() /* at any time; and always before it waits for room */
	:: posted == MESSAGES && count == 0 -> break
	od
}

inline sleep()
{
	atomic { woken -> woken = false; REACHED(woken_up) }
}

active proctype sleeper()
{
	byte next;
	bool asks; /* the wish is out */

	do
	:: published != next -> /* look(), pending() */
#ifndef EVENTS
		if
		:: asks -> sleeper_stores ! NO_NOTIFY /* disable_kicks(), ask_interrupts() */
		:: else
		fi;
#endif
		/* take(), vballoon_driver_ring_collect() */
		atomic { asks = false; next = (next + 1) % MODULUS; taken++ }
	:: else ->
		if
		:: asks -> sleep()
		:: else -> /* enable_kicks(), vballoon_driver_ring_interrupts() */
#ifdef EVENTS
			sleeper_stores ! next;
#else
			sleeper_stores ! 0;
#endif
#ifndef NO_FENCE_BEFORE_SLEEP
			fence(sleeper_stores);
#endif
			asks = true;
#ifdef LOOKS_ONCE
			sleep()
#endif
		fi
	od
}

active proctype watch()
{
	timeout -> assert(taken == MESSAGES); REACHED(all_taken)
}
