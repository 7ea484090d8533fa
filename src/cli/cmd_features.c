// SPDX-License-Identifier: BSD-3-Clause
/* What a device offers and what was negotiated, and whether a guest can move by that. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <vballoon/migration.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"
#include "control/feature_set.h"

static void print_names(const char *label, const json_t *names, const char *none)
{
	const json_t *entry;
	size_t i;

	printf("%-14s", label);
	json_array_foreach (names, i, entry)
		printf("%s%s", i ? ", " : "", json_string_value(entry));
	puts(json_array_size(names) ? "" : none);
}

static int show(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *object = NULL;
	int code = vballoon_client_call(client, "features", NULL, 0, &object);

	if (code)
		return code;
	if (options->json) {
		vballoon_format_json(object);
	} else {
		printf("%-14s%d\n", "device",
		       (int)json_integer_value(json_object_get(object, "device")));
		print_names("offered", json_object_get(object, "offered"), "nothing");
		print_names("negotiated", json_object_get(object, "negotiated"),
			    "nothing: no driver has");
	}
	json_decref(object);
	return VBALLOON_EXIT_OK;
}

/* Ask the daemon at @path. */
static int ask(const char *path, json_t **object_out)
{
	struct vballoon_client client;
	int code;

	vballoon_client_init(&client, path);
	code = vballoon_client_call(&client, "features", NULL, 0, object_out);
	vballoon_client_close(&client);
	return code;
}

/* Where one vballoond serves both devices of a machine: device @id, of which it may not be
 * telling, as the guest that has it is somewhere else. */
static const json_t *device_of(const json_t *object, uint32_t id)
{
	const json_t *other = json_object_get(object, "other");

	if (json_integer_value(json_object_get(object, "device")) != id &&
	    json_integer_value(json_object_get(other, "device")) == id)
		return other;
	return object;
}

/* Read one side: a control socket, or a file of what one has answered. With @device_id not 0
 * it is about that device where there are two. */
static int take_side(const char *path, uint32_t device_id, struct vballoon_feature_set *set_out)
{
	char complaint[VBALLOON_FEATURE_SET_COMPLAINT_BYTES];
	json_t *object = NULL;
	json_error_t error;
	struct stat st;
	int code, failed;

	if (!stat(path, &st) && S_ISSOCK(st.st_mode)) {
		code = ask(path, &object);
		if (code)
			return code;
	} else {
		object = json_load_file(path, 0, &error);
		if (!object)
			return vballoon_report_failure(
				VBALLOON_EXIT_FAILED,
				"features: %s: %s: give a control socket, or a file that "
				"vballoonctl features --json has printed",
				path, error.text);
	}
	failed = vballoon_feature_set_read(device_id ? device_of(object, device_id) : object,
					   set_out, complaint);
	json_decref(object);
	if (failed)
		return vballoon_report_failure(
			VBALLOON_EXIT_FAILED,
			"features: %s: %s: print it anew with vballoonctl features --json", path,
			complaint);
	return VBALLOON_EXIT_OK;
}

static json_t *obstacles_json(const struct vballoon_migration *migration)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < VBALLOON_OBSTACLE_COUNT; i++) {
		enum vballoon_obstacle obstacle = 1U << i;

		if (migration->obstacles & obstacle)
			json_array_append_new(
				list, json_pack("{ssss}", "name", vballoon_obstacle_name(obstacle),
						"text", vballoon_obstacle_text(obstacle)));
	}
	return list;
}

/* Why the guest can move. */
static const char *consent(const struct vballoon_feature_set *source)
{
	return source->has_driver
		       ? "the destination offers every feature that the guest's driver uses"
		       : "the guest has no driver yet, and negotiates with the destination";
}

static void tell(const struct vballoon_feature_set *source, const json_t *result)
{
	const json_t *obstacles = json_object_get(result, "obstacles");
	const json_t *missing = json_object_get(result, "missing");
	const json_t *masked = json_object_get(result, "masked");
	const json_t *entry;
	size_t i;

	if (json_array_size(obstacles))
		puts("The guest cannot move.");
	else
		printf("The guest can move: %s.\n", consent(source));
	json_array_foreach (obstacles, i, entry)
		printf("%-18s%s.\n", json_string_value(json_object_get(entry, "name")),
		       json_string_value(json_object_get(entry, "text")));
	if (json_array_size(missing))
		print_names("missing", missing, "");
	if (source->has_driver && json_array_size(masked))
		print_names("masked", masked, "");
}

static int check(const struct vballoon_cli_options *options)
{
	struct vballoon_feature_set source, destination;
	struct vballoon_migration migration;
	int code = take_side(options->operands[1], 0, &source);
	json_t *result;

	if (!code)
		code = take_side(options->operands[2], source.device_id, &destination);
	if (code)
		return code;
	vballoon_migration_check(&source, &destination, &migration);
	result =
		json_pack("{sbss?sososo}", "can_move", !migration.obstacles, "text",
			  migration.obstacles ? NULL : consent(&source), "obstacles",
			  obstacles_json(&migration), "missing",
			  vballoon_feature_set_names(source.device_id, migration.missing), "masked",
			  vballoon_feature_set_names(destination.device_id, migration.masked));
	if (options->json)
		vballoon_format_json(result);
	else
		tell(&source, result);
	json_decref(result);
	return migration.obstacles ? VBALLOON_EXIT_CANNOT_MOVE : VBALLOON_EXIT_OK;
}

int vballoon_cmd_features(const struct vballoon_cli_options *options,
			  struct vballoon_client *client)
{
	if (options->operand_count == 3 && !strcmp(options->operands[0], "check"))
		return check(options);
	if (options->operand_count)
		return vballoon_report_failure(
			VBALLOON_EXIT_USAGE,
			"features: give nothing more, or check SOURCE DESTINATION: see vballoonctl "
			"features --help");
	if (!options->control_path)
		return vballoon_report_no_path("features");
	return show(options, client);
}
