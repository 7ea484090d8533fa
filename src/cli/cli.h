/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands of vballoonctl share. */
#ifndef VBALLOON_CLI_CLI_H
#define VBALLOON_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

/* Exit codes; --help tells them, and scripts rely on them. */
enum {
	VBALLOON_EXIT_OK,
	VBALLOON_EXIT_FAILED,
	VBALLOON_EXIT_USAGE,
	VBALLOON_EXIT_UNREACHABLE, /* the daemon */
	VBALLOON_EXIT_TIMEOUT,
	VBALLOON_EXIT_NO_DRIVER,
	VBALLOON_EXIT_STOPPED, /* the device */
	VBALLOON_EXIT_CANNOT_MOVE, /* the guest */
	VBALLOON_EXIT_COUNT,
};

/* The command line. */
struct vballoon_cli_options {
	const char *control_path;
	bool json;
	bool help;
	bool wait;
	bool guest_size; /* the operand is what the guest keeps */
	bool once;
	bool no_color;
	unsigned int timeout_s;
	bool has_period;
	uint64_t period_ms; /* 0: off */
	unsigned int interval_s;
	uint64_t deadline_ms; /* 0: none */
	bool keeps; /* at the deadline; or */
	bool reverts;
	const char *bitmap; /* a file; NULL: none */
	bool zeros; /* not what is held but what the host has nothing of */
	const char *operand; /* NULL when there is none */
	char *const *operands; /* all of them */
	int operand_count;
};

struct vballoon_client;

/* The commands: each returns an exit code, having said what is to be said. */
int vballoon_cmd_set(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_status(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_stats(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_reclaim_free(const struct vballoon_cli_options *options,
			      struct vballoon_client *client);
int vballoon_cmd_events(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_watch(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_why(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_doctor(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_policy(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_drop(const struct vballoon_cli_options *options, struct vballoon_client *client);
int vballoon_cmd_features(const struct vballoon_cli_options *options,
			  struct vballoon_client *client);
int vballoon_cmd_save_state(const struct vballoon_cli_options *options,
			    struct vballoon_client *client);
int vballoon_cmd_skip_map(const struct vballoon_cli_options *options,
			  struct vballoon_client *client);
int vballoon_cmd_upgrade(const struct vballoon_cli_options *options,
			 struct vballoon_client *client);
int vballoon_cmd_reset(const struct vballoon_cli_options *options, struct vballoon_client *client);

#endif /* VBALLOON_CLI_CLI_H */
