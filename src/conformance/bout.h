/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of one case against a driver: whatever carries it is started, connects to the
 * impostor, and is watched for what it does next. As in a trial, what a case finds wrong
 * ends it at once.
 */
#ifndef VBALLOON_CONFORMANCE_BOUT_H
#define VBALLOON_CONFORMANCE_BOUT_H

#include <setjmp.h>

#include "conformance/case.h"
#include "conformance/impostor.h"
#include "conformance/subject.h"

/* How large the balloon is in most cases, in balloon pages: any guest has so many. */
#define VBALLOON_BOUT_PAGES 200U
#define VBALLOON_BOUT_LESS 50U
#define VBALLOON_BOUT_MORE 300U

struct vballoon_bout {
	struct vballoon_impostor impostor;
	struct vballoon_subject *subject;
	int patience_ms, grace_ms;
	uint64_t features; /* that may be offered */
	bool packed; /* the rings */
	jmp_buf ended;
	enum vballoon_outcome outcome;
	const char *clause; /* that was broken */
	char why[256];
};

/* Run a case: its outcome, @bout->clause and @bout->why. */
enum vballoon_outcome vballoon_bout_run(struct vballoon_bout *bout,
					const struct vballoon_case *row);

_Noreturn void vballoon_bout_end(struct vballoon_bout *bout, enum vballoon_outcome outcome,
				 const char *format, ...) __attribute__((format(printf, 3, 4)));

#define vballoon_bout_require(bout, condition, ...)                                                \
	do {                                                                                       \
		if (!(condition))                                                                  \
			vballoon_bout_end(bout, VBALLOON_FAIL, __VA_ARGS__);                       \
	} while (0)

/* Let things happen until a condition of the case's own holds: whether it does in time. A
 * clause that the driver breaks meanwhile ends the bout. */
typedef bool vballoon_bout_condition(const struct vballoon_bout *bout, uint64_t value);
bool vballoon_bout_await(struct vballoon_bout *bout, vballoon_bout_condition *holds, uint64_t value,
			 int timeout_ms);

/* Let time pass. */
void vballoon_bout_watch(struct vballoon_bout *bout, int ms);

/* The first HELLO has to come. */
void vballoon_bout_greet(struct vballoon_bout *bout);

/* Ask for a balloon of @pages, and have it: the bout is wedged when that does not come. */
void vballoon_bout_resize(struct vballoon_bout *bout, uint64_t pages);

/* Conditions. */
vballoon_bout_condition vballoon_bout_holds, vballoon_bout_was_reset, vballoon_bout_has_lied,
	vballoon_bout_hellos, vballoon_bout_withdraws, vballoon_bout_exchanges, vballoon_bout_stats,
	vballoon_bout_rounds;

#endif /* VBALLOON_CONFORMANCE_BOUT_H */
