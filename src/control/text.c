// SPDX-License-Identifier: BSD-3-Clause
#include <jansson.h>
#include <stddef.h>

#include "control/text.h"

#define CHARACTER_BYTES_MAX 4

/* The bytes of the character that is there; 0: there is none that JSON can have. */
static size_t character_bytes(const char *text)
{
	for (size_t bytes = 1; bytes <= CHARACTER_BYTES_MAX && text[bytes - 1]; bytes++) {
		json_t *character = json_stringn(text, bytes);

		json_decref(character);
		if (character)
			return bytes;
	}
	return 0;
}

void vballoon_text_repair(char *text)
{
	size_t bytes;

	for (; *text; text += bytes) {
		bytes = character_bytes(text);
		if (bytes)
			continue;
		*text = '?';
		bytes = 1;
	}
}
