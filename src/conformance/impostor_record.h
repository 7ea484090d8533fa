/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the impostor's balloon share. */
#ifndef VBALLOON_CONFORMANCE_IMPOSTOR_RECORD_H
#define VBALLOON_CONFORMANCE_IMPOSTOR_RECORD_H

#include "base/entry.h"
#include "conformance/impostor.h"

/* Deal with the message in impostor->chain, whose header was read: the answer's length. */
typedef uint32_t vballoon_impostor_handler(struct vballoon_impostor *impostor, uint32_t flags,
					   uint8_t *answer);
vballoon_impostor_handler vballoon_impostor_exchange, vballoon_impostor_report,
	vballoon_impostor_report_done;

/* How the driver writes entries. */
struct vballoon_entry_format vballoon_impostor_format(const struct vballoon_impostor *impostor);

/* The next word of the message, and how many bytes of it were not read. */
uint64_t vballoon_impostor_read_word(struct vballoon_impostor *impostor);
uint64_t vballoon_impostor_rest(const struct vballoon_impostor *impostor);

/* Mark one balloon page held, or free. Returns whether that changed anything. */
bool vballoon_impostor_mark(struct vballoon_impostor *impostor, uint64_t gpa, bool held);
/* Whether any page of guest memory there is held, or free. */
bool vballoon_impostor_any_held(struct vballoon_impostor *impostor, uint64_t gpa, uint64_t bytes,
				bool held);
/* Held pages are the driver's again, cleared if zeros are promised. */
void vballoon_impostor_hand_back(struct vballoon_impostor *impostor, uint64_t gpa, uint64_t bytes);
/* Nothing is held any more. */
void vballoon_impostor_empty(struct vballoon_impostor *impostor);

/* Write over whole balloon pages of the guest's memory. */
void vballoon_impostor_fill(struct vballoon_impostor *impostor, uint64_t gpa, uint64_t bytes,
			    uint8_t what);

#endif /* VBALLOON_CONFORMANCE_IMPOSTOR_RECORD_H */
