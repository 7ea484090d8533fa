// SPDX-License-Identifier: BSD-3-Clause
/* The memory of a guest that stands still whose contents need not travel. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"
#include "control/size.h"

struct map {
	json_t *runs; /* of {"gpa", "bytes"} */
	uint64_t page_bytes;
	uint64_t skip_bytes; /* in all */
};

static void take_runs(struct map *map, const json_t *pairs)
{
	const json_t *pair;
	size_t i;

	json_array_foreach (pairs, i, pair) {
		json_int_t bytes = json_integer_value(json_array_get(pair, 1));

		map->skip_bytes += (uint64_t)bytes;
		json_array_append_new(map->runs,
				      json_pack("{sIsI}", "gpa",
						json_integer_value(json_array_get(pair, 0)),
						"bytes", bytes));
	}
}

static int fetch(struct vballoon_client *client, const char *command, struct map *map)
{
	json_int_t from = 0;
	json_t *piece = NULL, *next;
	int code;

	do {
		code = vballoon_client_call(client, command, json_pack("{sI}", "from", from), 0,
					    &piece);
		if (code)
			return code;
		map->page_bytes = vballoon_format_bytes_of(piece, "page_bytes");
		take_runs(map, json_object_get(piece, "runs"));
		next = json_object_get(piece, "next");
		from = json_is_integer(next) ? json_integer_value(next) : 0;
		json_decref(piece);
	} while (from);
	return VBALLOON_EXIT_OK;
}

/* A part of the bitmap, which is not written yet. */
struct part {
	int fd;
	uint64_t at; /* in the file, a multiple of its size */
	size_t len; /* up to the last byte with a bit */
	unsigned char bytes[65536];
};

static int write_part(struct part *part)
{
	size_t done = 0;
	ssize_t got;

	while (done < part->len) {
		got = pwrite(part->fd, part->bytes + done, part->len - done,
			     (off_t)(part->at + done));
		if (got < 0)
			return -errno;
		done += (size_t)got;
	}
	memset(part->bytes, 0, part->len);
	part->len = 0;
	return 0;
}

/* Set a bit for each page of a run. */
static int put_run(struct part *part, uint64_t first, uint64_t count)
{
	int err = 0;

	for (; count && !err; first++, count--) {
		uint64_t at = first / 8;

		if (at - part->at >= sizeof(part->bytes)) {
			err = write_part(part);
			part->at = at - at % sizeof(part->bytes);
		}
		at -= part->at;
		part->bytes[at] |= (unsigned char)(1U << first % 8);
		if (part->len <= at)
			part->len = (size_t)at + 1;
	}
	return err;
}

/* The bitmap ends with the last page of the last run. */
static int put_runs(int fd, const struct map *map)
{
	struct part part = { .fd = fd };
	const json_t *run;
	int err = 0;
	size_t i;

	json_array_foreach (map->runs, i, run) {
		if (!err)
			err = put_run(&part, vballoon_format_bytes_of(run, "gpa") / map->page_bytes,
				      vballoon_format_bytes_of(run, "bytes") / map->page_bytes);
	}
	return err ? err : write_part(&part);
}

/* Write it into a file, which has holes where nothing is skipped. Not by a mapping: where the file
 * system is full a touch of it would end the process. */
static int store(const char *path, const struct map *map)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int err;

	if (fd < 0)
		return -errno;
	err = put_runs(fd, map);
	if (close(fd) && !err)
		err = -errno;
	return err;
}

static void tell(const struct vballoon_cli_options *options, const struct map *map)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];
	json_t *object;

	if (options->json) {
		object = json_pack("{sIsIsO}", "page_bytes", (json_int_t)map->page_bytes,
				   "skip_bytes", (json_int_t)map->skip_bytes, "runs", map->runs);
		vballoon_format_json(object);
		json_decref(object);
		return;
	}
	printf("%s of the guest's memory %s, in %zu runs.\n",
	       vballoon_size_format(map->skip_bytes, text),
	       options->zeros ? "are zeros that the host has nothing of" : "need not travel",
	       json_array_size(map->runs));
}

int vballoon_cmd_skip_map(const struct vballoon_cli_options *options,
			  struct vballoon_client *client)
{
	struct map map = { .runs = json_array() };
	int code = fetch(client, options->zeros ? "zero-map" : "skip-map", &map), err = 0;

	if (!code && options->bitmap)
		err = store(options->bitmap, &map);
	if (err)
		code = vballoon_report_failure(VBALLOON_EXIT_FAILED,
					       "skip-map: %s: %s: give another file",
					       options->bitmap, strerror(-err));
	if (!code)
		tell(options, &map);
	json_decref(map.runs);
	return code;
}
