/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of the control protocol (docs/control-protocol.md): requests,
 * answers and the greeting, read and written. Both the daemon and its clients
 * use this, so that the two cannot disagree.
 */
#ifndef VBALLOON_CONTROL_MESSAGE_H
#define VBALLOON_CONTROL_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The protocol spoken here; a client that does not know a daemon's must stop. */
#define VBALLOON_PROTOCOL 1

/* The longest request. What a line of JSON takes when it is parsed is a multiple of
 * its length, so this bounds what a client can make the daemon hold. */
#define VBALLOON_REQUEST_BYTES_MAX 4096

/* The longest that `wait` and `stats` may take. */
#define VBALLOON_TIMEOUT_MS_MAX 60000

/* How often a guest may push statistics: not more often than it does anyway, and no less
 * than once a day. */
#define VBALLOON_STATS_PERIOD_MS_MIN 250
#define VBALLOON_STATS_PERIOD_MS_MAX 86400000

/* Why a request was not carried out. */
enum vballoon_error_class {
	VBALLOON_ERROR_NONE,
	VBALLOON_ERROR_BAD_REQUEST,
	VBALLOON_ERROR_UNKNOWN_COMMAND,
	VBALLOON_ERROR_OUT_OF_RANGE,
	VBALLOON_ERROR_NO_FRONT_END,
	VBALLOON_ERROR_NO_DRIVER,
	VBALLOON_ERROR_DEVICE_STOPPED,
	VBALLOON_ERROR_TIMEOUT,
	VBALLOON_ERROR_TOO_MANY_CLIENTS,
	VBALLOON_ERROR_NOT_ALLOWED,
	VBALLOON_ERROR_NOT_NEGOTIATED,
	VBALLOON_ERROR_GUEST_RUNS,
	VBALLOON_ERROR_NOT_PROVEN,
	VBALLOON_ERROR_UNKNOWN, /* a class that this client does not know */
	VBALLOON_ERROR_COUNT,
};

/* An error in the making: a class, and a sentence for a person. */
struct vballoon_error {
	enum vballoon_error_class class;
	char desc[256];
};

/* Fill in @error. */
void vballoon_error_set(struct vballoon_error *error, enum vballoon_error_class class,
			const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A request as it was read. */
struct vballoon_request {
	json_t *root; /* owns all that follows */
	const char *command;
	json_t *arguments; /* an object, or NULL when there are none */
	json_t *id; /* of any kind; NULL when there is none */
};

/*
 * Read a request. On failure @request has what could be read of it, which may be
 * the id that the error is to be answered with. Returns 0; -EBADMSG with @error.
 * Either way vballoon_request_free() is due.
 */
int vballoon_request_parse(const char *line, size_t len, struct vballoon_request *request,
			   struct vballoon_error *error);
void vballoon_request_free(struct vballoon_request *request);

/* What a command takes: an argument that it needs, an integer from 0 to @max, and others
 * that may be there. */
struct vballoon_argument {
	const char *name; /* NULL: it needs none */
	uint64_t max;
	bool (*allows)(const char *name); /* NULL: there are no others */
};

/* Take the argument that @wanted needs, and see that there is none that it does not
 * allow. Returns 0; -EBADMSG or -ERANGE with @error. */
int vballoon_request_argument(const struct vballoon_request *request,
			      const struct vballoon_argument *wanted, uint64_t *value_out,
			      struct vballoon_error *error);

/* Messages to send. Each returns a new reference, NULL when memory is short;
 * @value is taken over, @id is not and may be NULL. */
json_t *vballoon_message_greeting(const char *version);
json_t *vballoon_message_request(const char *command, json_t *arguments);
json_t *vballoon_message_return(json_t *value, json_t *id);
json_t *vballoon_message_error(const struct vballoon_error *error, json_t *id);

/* Print @message as one line with its newline, to be freed; NULL when memory is
 * short or it would be too long. */
char *vballoon_message_print(const json_t *message, size_t *len_out);

/* An answer as it was read. */
struct vballoon_answer {
	json_t *root; /* owns @value */
	json_t *value; /* of "return"; NULL when it is an error */
	struct vballoon_error error;
};

/* Read an answer. Returns 0, also for an answer that is an error; -EBADMSG when
 * it is no answer. vballoon_answer_free() is due either way. */
int vballoon_answer_parse(const char *line, size_t len, struct vballoon_answer *answer);
void vballoon_answer_free(struct vballoon_answer *answer);

/* Read a greeting. Returns 0 and the daemon's protocol; -EBADMSG. */
int vballoon_greeting_parse(const char *line, size_t len, int *protocol_out);

#endif /* VBALLOON_CONTROL_MESSAGE_H */
