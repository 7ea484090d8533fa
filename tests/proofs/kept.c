/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a device is in a queue comes back from the word that it was written down as, whatever it is;
 * and a word that nobody has written tells of a queue that never ran. */
#include "proof.h"

#include "ring/kept.h"

void proof(void)
{
	const struct vballoon_kept_place place = { nondet_u16(), nondet_u16(), nondet_u16(),
						   nondet_bool(), nondet_bool() };
	const struct vballoon_kept_place never = vballoon_kept_place(0);
	const uint64_t word = nondet_u64();
	struct vballoon_kept_place back = vballoon_kept_place(vballoon_kept_word(&place));

	HOLDS(back.avail == place.avail && back.used == place.used && back.places == place.places);
	HOLDS(back.known == place.known && back.is_using == place.is_using);
	HOLDS(!never.known && !never.is_using);
	/* One of another's making means what its writing back does. */
	back = vballoon_kept_place(word);
	HOLDS(!((vballoon_kept_word(&back) ^ word) & ~(UINT64_C(0x3fff) << 48)));
	REACHED(place.is_using && place.places == UINT16_MAX && !place.known);
	REACHED(vballoon_kept_word(&back) != word);
}
