// SPDX-License-Identifier: BSD-3-Clause
/* The device's state, into a file that is either whole or not there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vballoon/saved.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"
#include "control/base64.h"
#include "control/size.h"

#define NO_STATE "save-state: vballoond sent what is no state: use a vballoonctl of its version"

struct state {
	uint8_t *bytes;
	size_t len, done;
};

/* Put the next piece behind what is there. Returns false when it makes no sense. */
static bool take_piece(struct state *state, const json_t *piece)
{
	const char *text = json_string_value(json_object_get(piece, "base64"));
	size_t len = (size_t)vballoon_format_bytes_of(piece, "state_bytes"), done;

	if (!state->bytes) {
		state->bytes = malloc(len ? len : 1);
		state->len = len;
	}
	if (!text || !state->bytes || len != state->len ||
	    vballoon_base64_decode(text, state->bytes + state->done, len - state->done, &done) ||
	    !done)
		return false;
	state->done += done;
	return true;
}

static int fetch(struct vballoon_client *client, struct state *state,
		 struct vballoon_saved_info *info_out)
{
	json_t *piece = NULL;
	bool taken;
	int code;

	do {
		code = vballoon_client_call(client, "save-state",
					    json_pack("{sI}", "offset", (json_int_t)state->done), 0,
					    &piece);
		if (code)
			return code;
		taken = take_piece(state, piece);
		json_decref(piece);
		if (!taken)
			return vballoon_report_failure(VBALLOON_EXIT_FAILED, NO_STATE);
	} while (state->done < state->len);
	if (vballoon_saved_read(state->bytes, state->len, info_out))
		return vballoon_report_failure(VBALLOON_EXIT_FAILED, NO_STATE);
	return VBALLOON_EXIT_OK;
}

static int write_all(int fd, const struct state *state)
{
	size_t done = 0;
	ssize_t got;

	while (done < state->len) {
		got = write(fd, state->bytes + done, state->len - done);
		if (got < 0)
			return -errno;
		done += (size_t)got;
	}
	return fsync(fd) ? -errno : 0;
}

/* Whether there is something that a file must not take the place of, as it would of /dev/stdout. */
static bool is_no_file(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && !S_ISREG(st.st_mode);
}

/* Beside its place first: a state that is there already stays whole until then. */
static int store(const char *path, const struct state *state)
{
	char temporary[4096];
	int fd, err;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_all(fd, state);
	close(fd);
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

static void tell(const struct vballoon_cli_options *options, const struct state *state,
		 const struct vballoon_saved_info *info)
{
	uint64_t held = info->held_pages << info->features.page_shift;
	char text[VBALLOON_SIZE_TEXT_BYTES];
	json_t *object;

	if (options->json) {
		object = json_pack("{sIsI}", "state_bytes", (json_int_t)state->len, "held_bytes",
				   (json_int_t)held);
		vballoon_format_json(object);
		json_decref(object);
		return;
	}
	printf("Saved in %zu bytes: %s in the balloon.\n", state->len,
	       vballoon_size_format(held, text));
}

int vballoon_cmd_save_state(const struct vballoon_cli_options *options,
			    struct vballoon_client *client)
{
	struct state state = { .bytes = NULL };
	struct vballoon_saved_info info;
	int code, err;

	if (is_no_file(options->operand))
		return vballoon_report_failure(
			VBALLOON_EXIT_FAILED,
			"save-state: %s: it is no regular file, nor free for "
			"one: give another file",
			options->operand);
	code = fetch(client, &state, &info);
	if (!code) {
		err = store(options->operand, &state);
		if (err)
			code = vballoon_report_failure(VBALLOON_EXIT_FAILED,
						       "save-state: %s: %s: give another file",
						       options->operand, strerror(-err));
		else
			tell(options, &state, &info);
	}
	free(state.bytes);
	return code;
}
