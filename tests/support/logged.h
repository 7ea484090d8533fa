/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A front end that shares a dirty log, and sees what the device changes: each page of the
 * guest's memory that is another after the device had its turn has to be in the log.
 */
#ifndef VBALLOON_TESTS_LOGGED_H
#define VBALLOON_TESTS_LOGGED_H

#include "front_end.h"

#define LOGGED_BYTES ((uint32_t)((GUEST_BASE + GUEST_BYTES) / GUEST_PAGE / 8))
#define LOGGED_OFFSET (GUEST_PAGE + 64) /* of the log in its file */

struct logged {
	struct front_end front_end; /* first: a pointer to either is one to the other */
	int fd;
	uint8_t *file; /* all of it */
	uint8_t *bits;
	unsigned char *before; /* the guest's memory, when changes were last looked for */
};

/* Send a log, and hear what the back end makes of it. */
uint64_t logged_send(struct front_end *front_end, int fd, uint64_t size, uint64_t offset);

/* Share a log, which nobody wants yet, over a front end that has negotiated; and free it. */
void logged_open(struct logged *logged);
void logged_close(struct logged *logged);

bool logged_marks(const struct logged *logged, uint64_t gpa);
bool logged_marks_any(const struct logged *logged);

/* Forget what was marked and what was changed before. */
void logged_begin(struct logged *logged);

/*
 * Count the pages that are not what they were at logged_begin(), but for @pages of them from
 * @gpa on, whose contents nobody needs. Fails the test when one is not marked.
 */
unsigned int logged_changed(const struct logged *logged, uint64_t gpa, uint64_t pages);

#endif /* VBALLOON_TESTS_LOGGED_H */
