/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a page has one owner whenever a device's process dies: in the order that src/state/journal.h
 * tells, between any two steps of ADD, WITHDRAW, drop and restore, and of settling itself.
 *
 * A driver gives pages and asks for them, one message at a time; a withdrawal hands back any of
 * what is held. Host pages are balloon pages. The queue is split: what is said of its used index
 * goes for the flags of a packed one. Its indices count modulo 2. Faults to plant are the names
 * below #ifdef.
 *
 * The steps are functions of src/device, src/ring and src/driver.
 */
#include "reached.h"

#define PAGES 2

#define DRIVERS 0 /* and in use */
#define GIVEN 1

mtype = { handed_back, undone, left_as_it_is, restored, settled, dropped_again };

/* The driver: whose each page is, as far as it knows; and the ring, in its memory. */
bit owner[PAGES] = DRIVERS;
mtype = { add, withdraw };
mtype message;
byte message_page;
byte reply[PAGES]; /* what the device has written into the chain */
bit avail_idx, used_idx;
byte used_len;

/* The host: a page whose memory is gone. */
bool gone[PAGES];

/* struct vballoon_page_map, struct vballoon_journal: what outlives a process. */
bool held[PAGES], dropped[PAGES];
byte drop_page;
bool drop_pages, restores;
byte answer[PAGES], answer_count;
bit answer_at;
bit place_avail, place_used; /* struct vballoon_kept_place */
bool place_using;

/* The process: what dies with it. */
mtype = { born, asks_the_ring, settles_answer, undoes, counts_down, looks, holds, finds, notes,
	  notes_pages, marks, drops, has_memory, undrops, unnotes, enters, counts, clears, writes,
	  announces, uses, keeps, ends };
mtype step = born;
bool settles; /* a drop that the one before has left */
bit taken, next_avail, next_used;
byte page; /* under work: to be dropped, or */
bool restoring;
byte written; /* pages, of the answer */

/* What is to be so while nothing is under way. */
inline check(at)
{
	assert((owner[at] == GIVEN) == held[at]);
	assert(gone[at] == dropped[at])
}

active proctype driver()
{
	bit used; /* what is used was collected up to here */
	byte got;
end:
	do
	:: atomic { /* vballoon_guest_add_send(), vballoon_guest_withdraw_send() */
		avail_idx == used ->
		if
		:: step == looks -> check(0); check(1)
		:: else
		fi;
		if
		:: owner[0] == DRIVERS -> owner[0] = GIVEN; message = add; message_page = 0
		:: owner[1] == DRIVERS -> owner[1] = GIVEN; message = add; message_page = 1
		:: message = withdraw
		fi;
		avail_idx = 1 - avail_idx
	   }
	:: atomic { /* vballoon_driver_ring_collect(), vballoon_guest_withdraw_answered() */
		used_idx != used ->
		used = used_idx;
		do
		:: used_len > 0 ->
			used_len--;
			got = reply[used_len];
			assert(owner[got] == GIVEN && !gone[got]);
			owner[got] = DRIVERS;
			REACHED(handed_back)
		:: else -> break
		od;
		got = 0
	   }
	od
}

/* kill(2), or whatever ends a process */
active proctype fate()
{
end:
	do
	:: atomic {
		step != born ->
		step = born;
		settles = false;
		taken = 0;
		next_avail = 0;
		next_used = 0;
		page = 0;
		restoring = false;
		written = 0
	   }
	od
}

active proctype device()
{
end:
	do
	/* It goes on from what the one before has left. */
	:: atomic { /* vballoon_device_recover(), vballoon_device_recover_region() */
		step == born ->
		page = drop_page;
		settles = drop_pages;
#ifdef SETTLES_WITHOUT_MEMORY
		step = (drop_pages -> undrops : asks_the_ring)
#else
		step = (drop_pages -> has_memory : asks_the_ring)
#endif
	   }
	:: atomic { /* vballoon_device_ring_resume(), pass_used(), vballoon_device_ring_keep() */
		step == asks_the_ring ->
		next_avail = place_avail;
		next_used = used_idx;
		if
		:: place_using && used_idx != place_used -> next_avail = 1 - next_avail
		:: else
		fi;
		place_avail = next_avail;
		place_used = next_used;
		place_using = false;
		step = settles_answer
	   }
	:: atomic { /* settle_answer() */
		step == settles_answer ->
		if
		:: answer_count == 0 -> step = looks
#ifdef ALWAYS_UNDOES
		:: answer_count > 0 -> step = undoes
#elif defined(NEVER_UNDOES)
		:: answer_count > 0 -> step = ends
#else
		:: answer_count > 0 && next_avail == answer_at -> step = undoes
		:: answer_count > 0 && next_avail != answer_at -> REACHED(left_as_it_is); step = ends
#endif
		fi
	   }
	:: atomic { /* vballoon_withdraw_undo(), vballoon_held_add() */
		step == undoes ->
		page = answer[answer_count - 1];
#ifdef COUNTS_DOWN_FIRST
		answer_count--;
#else
		held[page] = true;
#endif
		step = counts_down
	   }
	:: atomic { /* vballoon_withdraw_undo() */
		step == counts_down ->
#ifdef COUNTS_DOWN_FIRST
		held[page] = true;
#else
		answer_count--;
#endif
		REACHED(undone);
		step = (answer_count > 0 -> undoes : looks)
	   }

	/* A message. */
	:: atomic { /* vballoon_device_ring_next(), begin() */
		step == looks && avail_idx != next_avail ->
		assert(answer_count == 0);
		taken = next_avail;
		next_avail = 1 - next_avail;
		answer_at = taken;
		step = (message == add -> holds : finds)
	   }
	:: atomic { /* vballoon_message_add(), vballoon_held_add() */
		step == holds ->
		held[message_page] = true;
		step = writes
	   }
	:: atomic { /* find(), vballoon_restore() */
		step == finds ->
		if
		:: held[0] -> page = 0; restoring = dropped[0]; step = (dropped[0] -> notes : enters)
		:: held[1] -> page = 1; restoring = dropped[1]; step = (dropped[1] -> notes : enters)
		:: step = writes
		fi
#ifdef RESTORES_UNNOTED
		; step = (step == notes -> has_memory : step)
#endif
	   }
	:: atomic { /* give(): entries */
		step == enters ->
		answer[answer_count] = page;
#ifdef CLEARS_BEFORE_IT_NOTES
		held[page] = false;
#endif
		step = counts
	   }
	:: atomic { /* give(): answer_count */
		step == counts ->
		answer_count++;
		step = clears
	   }
	:: atomic { /* give(), vballoon_held_remove() */
		step == clears ->
		held[page] = false;
		step = finds
	   }
	:: atomic { /* vballoon_withdraw_resume(), vballoon_chain_write() */
		step == writes ->
		reply[0] = answer[0];
		reply[1] = answer[1];
		written = answer_count;
#ifdef ENDS_BEFORE_IT_USES
		answer_count = 0;
#endif
		step = announces
	   }
	:: atomic { /* vballoon_device_ring_use(), keep() */
		step == announces ->
		place_avail = taken;
		place_used = next_used;
#ifndef USES_UNANNOUNCED
		place_using = true;
#endif
		step = uses
	   }
	:: atomic { /* use() */
		step == uses ->
		used_len = written;
		next_used = 1 - next_used;
		used_idx = next_used;
		step = keeps
	   }
	:: atomic { /* vballoon_device_ring_use(), keep() */
		step == keeps ->
		place_avail = next_avail;
		place_used = next_used;
		place_using = false;
		step = ends
	   }
	:: atomic { /* answer(), settle_answer() */
		step == ends ->
		answer_count = 0;
		step = looks
	   }

	/* A drop, or a restore. */
	:: atomic { /* vballoon_drop_run(), next_run() */
		step == looks && (held[0] && !dropped[0] || held[1] && !dropped[1]) ->
		if
		:: held[0] && !dropped[0] -> page = 0
		:: held[1] && !dropped[1] -> page = 1
		fi;
		restoring = false;
#ifdef DROPS_UNNOTED
		step = marks
#else
		step = notes
#endif
	   }
	:: atomic { /* keep_pages(): drop_gpa */
		step == notes ->
		drop_page = page;
		restores = restoring;
		step = notes_pages
	   }
	:: atomic { /* keep_pages(): drop_pages */
		step == notes_pages ->
		drop_pages = true;
		step = (restoring -> has_memory : marks)
	   }
	:: atomic { /* drop_pages(), settle_drop(): vballoon_page_map_drop() */
		step == marks ->
		dropped[page] = true;
		step = drops
	   }
	:: atomic { /* drop_pages(), settle_drop(): the host drops, or does not */
		step == drops ->
		assert(owner[page] == GIVEN);
		if
		:: gone[page] = true; step = unnotes
		:: !settles -> step = undrops
		fi;
		if
		:: settles -> REACHED(dropped_again)
		:: else
		fi
	   }
	:: atomic { /* restore_run(), settle_drop(): the host has memory, or not */
		step == has_memory ->
		if
		:: gone[page] = false; step = undrops
		:: gone[page] && settles && !restores -> step = marks
		:: gone[page] && (!settles || restores) -> step = unnotes
		fi
	   }
	:: atomic { /* restore_some(), drop_pages(), settle_drop(): vballoon_page_map_undrop() */
		step == undrops ->
		dropped[page] = false;
		if
		:: settles -> REACHED(settled)
		:: restoring -> REACHED(restored)
		:: else
		fi;
		step = unnotes
	   }
	:: atomic { /* vballoon_journal_drop(), vballoon_journal_restore() */
		step == unnotes ->
		drop_pages = false;
		if
		:: settles -> settles = false; step = asks_the_ring
		:: !settles && restoring -> step = (dropped[page] -> finds : enters)
		:: !settles && !restoring -> step = looks
		fi
	   }
	od
}
