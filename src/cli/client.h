/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection to vballoond's control socket. */
#ifndef VBALLOON_CLI_CLIENT_H
#define VBALLOON_CLI_CLIENT_H

#include <jansson.h>

#include "control/line.h"

struct vballoon_client {
	const char *path;
	int fd; /* -1: not connected */
	char failure[512]; /* of the last call: "<what>: <why>: <what to do>" */
	struct vballoon_line_reader reader;
};

void vballoon_client_init(struct vballoon_client *client, const char *path);
void vballoon_client_close(struct vballoon_client *client);

/*
 * Call a command, and connect before if need be. @arguments is taken over and
 * may be NULL. @extra_ms is how long the daemon may take on top of the time that
 * any answer takes. Returns VBALLOON_EXIT_OK and what it returned, a new
 * reference; else the exit code that fits, and why in client->failure.
 */
int vballoon_client_try(struct vballoon_client *client, const char *command, json_t *arguments,
			unsigned int extra_ms, json_t **value_out);

/* The same, and a failure is told. */
int vballoon_client_call(struct vballoon_client *client, const char *command, json_t *arguments,
			 unsigned int extra_ms, json_t **value_out);

/* Wait for the next object that the daemon sends by itself, however long that
 * takes. Returns as vballoon_client_call(). */
int vballoon_client_next(struct vballoon_client *client, json_t **object_out);

#endif /* VBALLOON_CLI_CLIENT_H */
