// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "control/size.h"

static const char units[] = "KMGT";

/* strtoull() is not used: it takes signs, leading blanks and an empty string. */
int vballoon_size_parse_digits(const char *text, uint64_t *number_out, const char **rest_out)
{
	uint64_t number = 0;
	int err = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		if (!vballoon_mul(number, 10, &number) ||
		    !vballoon_add(number, (uint64_t)(*text - '0'), &number))
			err = -ERANGE;
	}
	*number_out = number;
	*rest_out = text;
	return err;
}

int vballoon_size_parse(const char *text, uint64_t *bytes_out)
{
	uint64_t bytes = 0;
	const char *rest = NULL;
	const char *unit;
	int err = vballoon_size_parse_digits(text, &bytes, &rest);

	if (err == -EINVAL)
		return err;
	if (*rest) {
		unit = strchr(units, toupper((unsigned char)*rest));
		if (!unit || (rest[1] && strcmp(rest + 1, "iB")))
			return -EINVAL;
		if (!vballoon_mul(bytes, UINT64_C(1024) << (10 * (unit - units)), &bytes))
			return -ERANGE;
	}
	if (!err)
		*bytes_out = bytes;
	return err;
}

int vballoon_size_parse_percent(const char *text, unsigned int *percent_out)
{
	uint64_t percent = 0;
	const char *rest = NULL;
	int err = vballoon_size_parse_digits(text, &percent, &rest);

	if (err == -EINVAL || strcmp(rest, "%"))
		return -EINVAL;
	if (err || percent > 100)
		return -ERANGE;
	*percent_out = (unsigned int)percent;
	return 0;
}

const char *vballoon_size_format(uint64_t bytes, char text[VBALLOON_SIZE_TEXT_BYTES])
{
	unsigned int shift = 0;
	uint64_t hundredths;

	while (shift < 40 && bytes >> shift >= 1024)
		shift += 10;
	/* The part below the unit is less than 2^40, so this does not wrap. */
	hundredths = (bytes & ((UINT64_C(1) << shift) - 1)) * 100 >> shift;
	if (!shift)
		snprintf(text, VBALLOON_SIZE_TEXT_BYTES, "%" PRIu64 " B", bytes);
	else if (!hundredths)
		snprintf(text, VBALLOON_SIZE_TEXT_BYTES, "%" PRIu64 " %ciB", bytes >> shift,
			 units[shift / 10 - 1]);
	else
		snprintf(text, VBALLOON_SIZE_TEXT_BYTES, "%" PRIu64 ".%0*" PRIu64 " %ciB",
			 bytes >> shift, hundredths % 10 ? 2 : 1,
			 hundredths % 10 ? hundredths : hundredths / 10, units[shift / 10 - 1]);
	return text;
}
