/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of a run: a line or an object a case, progress, and the figures at the end. */
#ifndef VBALLOON_CONFORMANCE_REPORT_H
#define VBALLOON_CONFORMANCE_REPORT_H

#include "conformance/options.h"

/* How one case ended under one setting. */
struct vballoon_result {
	const char *topic;
	const char *name;
	const char *clause;
	const char *setting;
	const char *why; /* empty for what is as it must be */
	const char *last_words; /* of the back end; may be empty */
	enum vballoon_outcome outcome;
	bool negative;
};

struct vballoon_report {
	const struct vballoon_options *options;
	unsigned int cases, negative; /* different ones */
	unsigned int settings;
	unsigned int runs, planned;
	unsigned int ended[VBALLOON_OUTCOME_COUNT];
	bool on_terminal;
	bool drawn; /* a line of progress is there, to be written over */
};

void vballoon_report_begin(struct vballoon_report *report, const struct vballoon_options *options);
void vballoon_report_setting(struct vballoon_report *report, const char *setting);
void vballoon_report_result(struct vballoon_report *report, const struct vballoon_result *result);

/* The last line. Returns the exit code. */
int vballoon_report_end(struct vballoon_report *report);

/* --list. */
void vballoon_report_list(const struct vballoon_options *options);

#endif /* VBALLOON_CONFORMANCE_REPORT_H */
