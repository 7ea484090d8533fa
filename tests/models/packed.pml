/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why nobody sleeps on a packed ring while there is work: see split.pml, and src/ring/packed.h.
 *
 * A chain of one or two descriptors is published by the mark of its first. The sleeper's wish is
 * an event: a place, then flags that may speak of it. With EVENTS it names a place, without it
 * enables or disables; with SILENCES it disables while it is awake, though it has places, as the
 * driver's side does. The steps are functions of src/ring: for kicks, and for interrupts.
 */
#include "reached.h"

#define SIZE 3
#define ROUNDS 3
#define MESSAGES (SIZE * ROUNDS) /* descriptors, at the most */

mtype = { all_taken, woken_up, left_asleep };

#define ENABLE 0
#define DISABLE 1
#define DESC 2

#define FREE 2 /* a mark; else the wrap counter of the round in which it was published */

#define INDEX(place) ((place) % SIZE)
#define WRAP(place) ((place) / SIZE % 2)
#define AFTER(place, count) (((place) + (count)) % (2 * SIZE))
#ifdef IGNORES_WRAP
#define BEHIND(now, event) (INDEX(now) - INDEX(event))
#else
#define BEHIND(now, event) (INDEX(now) - INDEX(event) + (WRAP(now) != WRAP(event) -> SIZE : 0))
#endif

byte mark[SIZE] = FREE;
byte length[SIZE]; /* of the chain that begins there */
byte wish_place, wish_flags;
byte taken; /* descriptors */
byte posted_in_all; /* the same, for the watch */
bool woken;

chan publisher_stores = [SIZE] of { byte, byte }; /* index, mark */
chan sleeper_stores = [4] of { bool, byte }; /* place or flags, value */

active proctype publisher_cache()
{
	byte index, value;
end:
	do
	:: atomic { nempty(publisher_stores) -> publisher_stores ? index, value; mark[index] = value }
	od
}

active proctype sleeper_cache()
{
	bool is_place;
	byte value;
end:
	do
	:: atomic {
		nempty(sleeper_stores) -> sleeper_stores ? is_place, value;
		if
#ifdef EVENTS
		:: is_place -> wish_place = value
#endif
		:: else -> wish_flags = value
		fi
	}
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
	read_flags = wish_flags; /* wants_kick(), wants_interrupt() */
	read_place = wish_place;
	if
	:: read_flags == ENABLE -> woken = true
#ifdef EVENTS
	:: read_flags == DESC && BEHIND(place, read_place) >= 1 &&
	   BEHIND(place, read_place) <= count -> woken = true /* packed_passed() */
#endif
	:: else -> REACHED(left_asleep)
	fi;
	count = 0
}

active proctype publisher()
{
	byte place = SIZE; /* in the first round the wrap counter is 1 */
	byte posted, count, size, read_place, read_flags;

	do
	:: posted + 2 <= MESSAGES && posted + 2 - taken <= SIZE -> /* put(), use() */
		size = 2;
		publisher_stores ! INDEX(AFTER(place, 1)), WRAP(AFTER(place, 1));
		goto publish
	:: posted < MESSAGES && posted + 1 - taken <= SIZE -> /* put(), use() */
		size = 1;
publish:
		atomic { length[INDEX(place)] = size; posted = posted + size; posted_in_all = posted };
		publisher_stores ! INDEX(place), WRAP(place);
		atomic { place = AFTER(place, size); count = count + size }
	:: count > 0 -> wake_if_wanted()
	:: posted == MESSAGES && count == 0 -> break
	od
}

inline sleep()
{
	atomic { woken -> woken = false; REACHED(woken_up) }
}

/* take(), vballoon_driver_ring_collect() */
inline take()
{
	atomic {
		asks = false;
		size = length[INDEX(next)];
		mark[INDEX(next)] = FREE;
		if
		:: size == 2 -> mark[INDEX(AFTER(next, 1))] = FREE
		:: else
		fi;
		next = AFTER(next, size);
		taken = taken + size
	}
}

/* enable_kicks(), ask_interrupts() */
inline ask()
{
#ifdef EVENTS
	sleeper_stores ! true, next;
	sleeper_stores ! false, DESC;
#else
	sleeper_stores ! false, ENABLE;
#endif
#ifndef NO_FENCE_BEFORE_SLEEP
	fence(sleeper_stores); /* await(), vballoon_driver_ring_interrupts() */
#endif
	asks = true
}

active proctype sleeper()
{
	byte next = SIZE;
	byte size;
	bool asks; /* the wish is out */

	do
	:: mark[INDEX(next)] == WRAP(next) -> /* look(), pending() */
#if !defined(EVENTS) || defined(SILENCES)
		if
		:: asks -> sleeper_stores ! false, DISABLE /* disable_kicks(), ask_interrupts() */
		:: else
		fi;
#endif
		take()
	:: else ->
		if
		:: asks -> sleep()
		:: else ->
			ask();
#ifdef LOOKS_ONCE
			sleep()
#endif
		fi
	od
}

active proctype watch()
{
	timeout -> assert(taken == posted_in_all && posted_in_all == MESSAGES); REACHED(all_taken)
}
