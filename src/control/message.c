// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/line.h"
#include "control/message.h"
#include "control/text.h"

static const char *const class_names[VBALLOON_ERROR_COUNT] = {
	[VBALLOON_ERROR_NONE] = "None",
	[VBALLOON_ERROR_BAD_REQUEST] = "BadRequest",
	[VBALLOON_ERROR_UNKNOWN_COMMAND] = "UnknownCommand",
	[VBALLOON_ERROR_OUT_OF_RANGE] = "OutOfRange",
	[VBALLOON_ERROR_NO_FRONT_END] = "NoFrontEnd",
	[VBALLOON_ERROR_NO_DRIVER] = "NoDriver",
	[VBALLOON_ERROR_DEVICE_STOPPED] = "DeviceStopped",
	[VBALLOON_ERROR_TIMEOUT] = "Timeout",
	[VBALLOON_ERROR_TOO_MANY_CLIENTS] = "TooManyClients",
	[VBALLOON_ERROR_NOT_ALLOWED] = "NotAllowed",
	[VBALLOON_ERROR_NOT_NEGOTIATED] = "NotNegotiated",
	[VBALLOON_ERROR_GUEST_RUNS] = "GuestRuns",
	[VBALLOON_ERROR_NOT_PROVEN] = "NotProven",
	[VBALLOON_ERROR_UNKNOWN] = "Unknown",
};

static enum vballoon_error_class class_by_name(const char *name)
{
	int class;

	for (class = VBALLOON_ERROR_NONE + 1; class < VBALLOON_ERROR_UNKNOWN; class ++) {
		if (!strcmp(name, class_names[class]))
			break;
	}
	return (enum vballoon_error_class) class;
}

void vballoon_error_set(struct vballoon_error *error, enum vballoon_error_class class,
			const char *format, ...)
{
	va_list args;

	error->class = class;
	va_start(args, format);
	vsnprintf(error->desc, sizeof(error->desc), format, args);
	va_end(args);
	vballoon_text_repair(error->desc);
}

/* jansson bounds the depth of nesting itself, at 2048. */
static json_t *parse_object(const char *line, size_t len, json_error_t *why)
{
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, why);

	if (root && !json_is_object(root)) {
		snprintf(why->text, sizeof(why->text), "it is no object");
		json_decref(root);
		root = NULL;
	}
	return root;
}

static bool is_request_key(const char *key)
{
	return !strcmp(key, "execute") || !strcmp(key, "arguments") || !strcmp(key, "id");
}

int vballoon_request_parse(const char *line, size_t len, struct vballoon_request *request,
			   struct vballoon_error *error)
{
	json_error_t why;
	const char *key;
	json_t *value;

	memset(request, 0, sizeof(*request));
	if (len > VBALLOON_REQUEST_BYTES_MAX) {
		vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST,
				   "a request is at most %d bytes", VBALLOON_REQUEST_BYTES_MAX);
		return -EBADMSG;
	}
	request->root = parse_object(line, len, &why);
	if (!request->root) {
		vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST,
				   "the line is no JSON object: %s", why.text);
		return -EBADMSG;
	}
	request->id = json_object_get(request->root, "id");
	request->arguments = json_object_get(request->root, "arguments");
	request->command = json_string_value(json_object_get(request->root, "execute"));
	if (!request->command) {
		vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST,
				   "\"execute\" is missing or no string");
		return -EBADMSG;
	}
	if (request->arguments && !json_is_object(request->arguments)) {
		vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST, "\"arguments\" is no object");
		return -EBADMSG;
	}
	json_object_foreach (request->root, key, value) {
		if (!is_request_key(key)) {
			vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST,
					   "a request has no \"%.64s\"", key);
			return -EBADMSG;
		}
	}
	return 0;
}

void vballoon_request_free(struct vballoon_request *request)
{
	json_decref(request->root);
	memset(request, 0, sizeof(*request));
}

int vballoon_request_argument(const struct vballoon_request *request,
			      const struct vballoon_argument *wanted, uint64_t *value_out,
			      struct vballoon_error *error)
{
	const char *key;
	json_t *value;

	json_object_foreach (request->arguments, key, value) {
		if ((!wanted->name || strcmp(key, wanted->name)) &&
		    !(wanted->allows && wanted->allows(key))) {
			vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST,
					   "%.64s has no argument \"%.64s\"", request->command,
					   key);
			return -EBADMSG;
		}
	}
	if (!wanted->name)
		return 0;
	value = json_object_get(request->arguments, wanted->name);
	if (!json_is_integer(value)) {
		vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST,
				   "%.64s needs the argument \"%s\", a whole number",
				   request->command, wanted->name);
		return -EBADMSG;
	}
	if (json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > wanted->max) {
		vballoon_error_set(error, VBALLOON_ERROR_OUT_OF_RANGE,
				   "\"%s\" is from 0 to %" PRIu64, wanted->name, wanted->max);
		return -ERANGE;
	}
	*value_out = (uint64_t)json_integer_value(value);
	return 0;
}

/* "o*" in a format leaves the key out when its value is NULL. */
json_t *vballoon_message_greeting(const char *version)
{
	return json_pack("{s{sssi}}", "vballoon", "version", version, "protocol",
			 VBALLOON_PROTOCOL);
}

json_t *vballoon_message_request(const char *command, json_t *arguments)
{
	return json_pack("{ssso*}", "execute", command, "arguments", arguments);
}

json_t *vballoon_message_return(json_t *value, json_t *id)
{
	return json_pack("{sosO*}", "return", value, "id", id);
}

json_t *vballoon_message_error(const struct vballoon_error *error, json_t *id)
{
	return json_pack("{s{ssss}sO*}", "error", "class", class_names[error->class], "desc",
			 error->desc, "id", id);
}

char *vballoon_message_print(const json_t *message, size_t *len_out)
{
	size_t len = json_dumpb(message, NULL, 0, JSON_COMPACT);
	char *line;

	if (!len || len >= VBALLOON_LINE_BYTES_MAX)
		return NULL;
	line = malloc(len + 1);
	if (!line)
		return NULL;
	json_dumpb(message, line, len, JSON_COMPACT);
	line[len] = '\n';
	*len_out = len + 1;
	return line;
}

int vballoon_answer_parse(const char *line, size_t len, struct vballoon_answer *answer)
{
	const char *class, *desc;
	json_error_t why;

	memset(answer, 0, sizeof(*answer));
	answer->root = parse_object(line, len, &why);
	answer->value = json_object_get(answer->root, "return");
	if (answer->value)
		return 0;
	if (json_unpack(answer->root, "{s{ssss}}", "error", "class", &class, "desc", &desc))
		return -EBADMSG;
	vballoon_error_set(&answer->error, class_by_name(class), "%s", desc);
	return 0;
}

void vballoon_answer_free(struct vballoon_answer *answer)
{
	json_decref(answer->root);
	memset(answer, 0, sizeof(*answer));
}

int vballoon_greeting_parse(const char *line, size_t len, int *protocol_out)
{
	json_error_t why;
	json_t *root = parse_object(line, len, &why);
	int err = json_unpack(root, "{s{si}}", "vballoon", "protocol", protocol_out);

	json_decref(root);
	return err ? -EBADMSG : 0;
}
