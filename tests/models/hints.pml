/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a round of free page hints is over only when the driver went through its memory after it
 * was asked to: in whatever order the host asks, and however late the driver reads.
 *
 * The host may ask anew at any time. The driver reads the command whenever it likes, says its id,
 * names pages and says STOP; it may begin anew in between. What it has said waits in the queue.
 * Faults to plant are the names below #ifdef.
 *
 * The steps are functions of src/device.
 */
#include "reached.h"

#define ROUNDS 3

#define STOP 0
#define DONE 1
#define ID(round) ((round) + 2)

mtype = { last_is_over, seen_late };

byte asked_round; /* the last that was asked for, from 1 on */
bool asked; /* and it is not over */
byte round; /* the one that the driver speaks of, to the device; 0: none */
bool hints_done;
byte through; /* the latest round that the driver has gone through since it was asked for */

chan queue = [2] of { byte }; /* free_page_vq, and the order of what is in it */

/* vballoon_device_request_report(), by an operator */
active proctype host()
{
	do
	:: atomic { asked_round < ROUNDS -> asked_round++; asked = true; hints_done = false }
	:: asked_round == ROUNDS -> break
	od
}

/* Linux's report_free_page_func() and others' */
active proctype driver()
{
	byte command;
end:
	do
	:: atomic { /* vballoon_trad_command(), in the configuration */
		if
		:: asked -> command = ID(asked_round)
		:: else -> command = (hints_done -> DONE : STOP)
		fi
	   };
		if
		:: command > DONE ->
			queue ! command;
			/* Pages are named here. */
			if
			:: queue ! STOP
			:: skip /* it was interrupted, and looks at the command again */
			fi
		:: command <= DONE && asked_round == ROUNDS && !asked -> break
		:: else
		fi
	od
}

active proctype device()
{
	byte id;
end:
	do
	:: atomic { /* vballoon_trad_hint(), take_command() */
		queue ? id ->
		if
		:: id != STOP ->
			round = (asked && id == ID(asked_round) -> id : 0);
			through = id - 2
#ifdef STOPS_ANYTHING
		:: id == STOP && asked ->
#elif defined(ENDS_THE_NEXT_ROUND)
		:: id == STOP && round && asked ->
#else
		:: id == STOP && asked && round == ID(asked_round) ->
#endif
			/* It is said that the round asked for last is over. */
			assert(through == asked_round);
			round = 0;
			hints_done = true;
			asked = false;
			if
			:: asked_round == ROUNDS -> REACHED(last_is_over)
			:: else
			fi
		:: else -> REACHED(seen_late)
		fi
	   }
	od
}
