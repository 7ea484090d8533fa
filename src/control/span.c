// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/checked.h"
#include "control/size.h"
#include "control/span.h"

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60000 }, { "h", 3600000 },
};

int vballoon_span_parse(const char *text, uint64_t *ms_out)
{
	uint64_t number = 0;
	const char *rest = NULL;
	int err = vballoon_size_parse_digits(text, &number, &rest);
	size_t i;

	if (err)
		return err;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(rest, units[i].name))
			return vballoon_mul(number, units[i].ms, ms_out) ? 0 : -ERANGE;
	}
	return -EINVAL;
}
