/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What can be set, by the same name on the command line (--page-size 2M) and in
 * a configuration file (page-size = 2M).
 */
#ifndef VBALLOON_DAEMON_SETTINGS_H
#define VBALLOON_DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/feature_names.h"
#include "daemon/access.h"
#include "daemon/passthrough.h"
#include "daemon/rules.h"
#include "daemon/sandbox.h"

struct vballoon_settings {
	char *socket_path; /* NULL: there is a descriptor */
	int fd; /* -1: there is a path */
	char *traditional_socket_path; /* NULL: there is no traditional balloon beside */
	char *control_path; /* NULL: no control socket, or a descriptor */
	int control_fd; /* -1: there is a path, or none */
	uint32_t device_id; /* of virtio */
	uint32_t page_shift;
	bool features_given;
	uint64_t features; /* to offer */
	uint64_t traditional_features; /* to offer with the one beside */
	uint32_t stats_period_ms; /* 0: the guest pushes nothing */
	enum vballoon_passthrough_mode passthrough;
	enum vballoon_sandbox_mode sandbox;
	struct vballoon_rules rules;
	char *load_state; /* NULL: none */
	bool supervise; /* a supervisor outlives the daemon proper */
	bool start_empty; /* when that cannot be loaded */
	struct vballoon_access access; /* to the control socket */
	char *lines; /* what files have said, a setting a line; NULL: nothing */
	char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES]; /* of the last take(), if it wrote one */
};

struct vballoon_setting {
	const char *name;
	bool in_files; /* else only on the command line */
	/* Returns NULL, or what is wrong with @text and what to do, until the next. */
	const char *(*take)(struct vballoon_settings *settings, const char *text);
};

#define VBALLOON_SETTINGS_COUNT 22

extern const struct vballoon_setting vballoon_settings_known[VBALLOON_SETTINGS_COUNT];

/* What holds when nothing is set. */
void vballoon_settings_init(struct vballoon_settings *settings);
void vballoon_settings_free(struct vballoon_settings *settings);

/* Returns NULL when there is no such setting. */
const struct vballoon_setting *vballoon_setting_find(const char *name);

#endif /* VBALLOON_DAEMON_SETTINGS_H */
