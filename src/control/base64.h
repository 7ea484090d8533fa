/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as text (RFC 4648, 4): how a line of JSON carries them. */
#ifndef VBALLOON_CONTROL_BASE64_H
#define VBALLOON_CONTROL_BASE64_H

#include <stddef.h>

/* What @len bytes take, with the end of the string. */
#define VBALLOON_BASE64_TEXT_BYTES(len) (((len) + 2) / 3 * 4 + 1)

/* Write @len bytes as text into VBALLOON_BASE64_TEXT_BYTES(@len). */
void vballoon_base64_encode(const void *bytes, size_t len, char *text);

/* Read text. Returns 0 and how many bytes it was; -1 when it is none, or more than
 * @room. */
int vballoon_base64_decode(const char *text, void *bytes, size_t room, size_t *len_out);

#endif /* VBALLOON_CONTROL_BASE64_H */
