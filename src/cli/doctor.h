/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with this host, this virtual machine, this guest: checks of facts
 * that were gathered before. */
#ifndef VBALLOON_CLI_DOCTOR_H
#define VBALLOON_CLI_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>

/* What is known. */
struct vballoon_doctor_facts {
	const char *failure; /* why the daemon cannot be reached, or not any more; or NULL */
	const json_t *status; /* of the daemon; NULL when it could not be reached at all */
	const json_t *later; /* the same a moment later, when it was not as it should be; or NULL */
	const char *silence; /* why the guest has not reported, or NULL */
	const char *shmem_enabled; /* as the kernel has it, or NULL */
};

enum vballoon_doctor_level {
	VBALLOON_DOCTOR_OK,
	VBALLOON_DOCTOR_NOTE,
	VBALLOON_DOCTOR_PROBLEM,
};

struct vballoon_doctor_finding {
	const char *check; /* stable, for programs */
	enum vballoon_doctor_level level;
	char text[512];
	const char *remedy; /* NULL when there is nothing to do */
};

/* @return the name of a level: "ok", "note", "problem". */
const char *vballoon_doctor_level_name(enum vballoon_doctor_level level);

/*
 * Make the next check. @next is 0 in the beginning, and is to be left alone.
 * Returns false when all were made. A check that has nothing to look at, as there
 * is no daemon or no guest, is left out.
 */
bool vballoon_doctor_next(const struct vballoon_doctor_facts *facts, unsigned int *next,
			  struct vballoon_doctor_finding *finding_out);

#endif /* VBALLOON_CLI_DOCTOR_H */
