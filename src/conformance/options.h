/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of vballoon-conformance. */
#ifndef VBALLOON_CONFORMANCE_OPTIONS_H
#define VBALLOON_CONFORMANCE_OPTIONS_H

#include "conformance/case.h"

/* The exit codes. */
enum {
	VBALLOON_EXIT_CONFORMS = 0,
	VBALLOON_EXIT_FAILED = 1, /* a case failed, or wedged */
	VBALLOON_EXIT_USAGE = 2,
	VBALLOON_EXIT_CANNOT = 3, /* there was nothing to test */
};

enum vballoon_style {
	VBALLOON_STYLE_PLAIN,
	VBALLOON_STYLE_TAP,
	VBALLOON_STYLE_JSON,
};

#define VBALLOON_CASES_CHOSEN_MAX 64

struct vballoon_options {
	const char *socket_path; /* NULL: a command is started */
	char *const *command; /* its words; NULL: something listens at socket_path */
	uint32_t device; /* of virtio */
	const char *round_command; /* has the back end begin a round of hints; NULL: unknown */
	uint64_t features; /* that may be negotiated */
	const char *feature_list; /* as it was given; NULL: all */
	enum vballoon_ring ring;
	bool pairwise;
	bool driver; /* what is tested is one */
	enum vballoon_style style;
	bool verbose;
	bool list;
	int patience_ms, grace_ms;
	const char *chosen[VBALLOON_CASES_CHOSEN_MAX]; /* topics, or TOPIC/CASE */
	size_t chosen_count; /* 0: all */
};

/* Read it. Returns -1 to go on, or an exit code, having said why. */
int vballoon_options_read(int argc, char **argv, struct vballoon_options *options_out);

/* Whether a case was chosen. */
bool vballoon_options_want(const struct vballoon_options *options,
			   const struct vballoon_topic *topic, const struct vballoon_case *row);

#endif /* VBALLOON_CONFORMANCE_OPTIONS_H */
