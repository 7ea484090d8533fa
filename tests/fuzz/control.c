/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever comes over the control socket, in pieces of any size, on either side of it. */
#include <stdlib.h>
#include <string.h>

#include "control/line.h"
#include "control/message.h"
#include "fuzz.h"

uint64_t fuzz_reached;
const char fuzz_core[] = "requests read";

static bool allows(const char *name)
{
	return !strcmp(name, "within_ms");
}

static void request(const char *line, size_t len)
{
	static const struct vballoon_argument wanted = { "bytes", UINT64_C(1) << 40, allows };
	struct vballoon_error error = { 0 };
	struct vballoon_request request;
	uint64_t value;

	if (vballoon_request_parse(line, len, &request, &error)) {
		size_t printed_len = 0;
		json_t *message = vballoon_message_error(&error, request.id);
		char *printed = message ? vballoon_message_print(message, &printed_len) : NULL;

		FUZZ_HOLDS(error.class != VBALLOON_ERROR_NONE && error.desc[0]);
		FUZZ_HOLDS(!printed || (printed_len <= VBALLOON_LINE_BYTES_MAX &&
					!memchr(printed, '\n', printed_len - 1)));
		free(printed);
		json_decref(message);
	} else {
		FUZZ_HOLDS(len <= VBALLOON_REQUEST_BYTES_MAX && request.command);
		fuzz_reached++;
		if (!vballoon_request_argument(&request, &wanted, &value, &error))
			FUZZ_HOLDS(value <= wanted.max);
		else
			FUZZ_HOLDS(error.class != VBALLOON_ERROR_NONE && error.desc[0]);
	}
	vballoon_request_free(&request);
}

static void answer(const char *line, size_t len)
{
	struct vballoon_answer answer;
	int protocol;

	if (!vballoon_answer_parse(line, len, &answer))
		FUZZ_HOLDS(!answer.value == (answer.error.class != VBALLOON_ERROR_NONE));
	vballoon_answer_free(&answer);
	vballoon_greeting_parse(line, len, &protocol);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct vballoon_line_reader reader;
	struct fuzz_input input = { bytes, len };
	size_t piece = fuzz_u8(&input) + 1U;
	size_t room, line_len;
	const char *line;
	int outcome;

	vballoon_line_init(&reader);
	while (input.len) {
		char *space = vballoon_line_space(&reader, &room);

		FUZZ_HOLDS(room > 0);
		vballoon_line_filled(&reader,
				     fuzz_bytes(&input, space, room < piece ? room : piece));
		while ((outcome = vballoon_line_next(&reader, &line, &line_len))) {
			if (outcome != VBALLOON_LINE_WHOLE)
				continue;
			FUZZ_HOLDS(line_len < VBALLOON_LINE_BYTES_MAX);
			request(line, line_len);
			answer(line, line_len);
		}
	}
	return 0;
}
