/* SPDX-License-Identifier: BSD-3-Clause */
/* A vballoond with this is told by NTH_VARIABLE which of its calls fails, from its first on. Of the workers
 * of a supervisor none does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nth.h"

/* Who cannot be told of an answer waits for it: by what tells there is no way round. */
static bool tells(const char *name)
{
	return !strcmp(name, "ppoll") || !strcmp(name, "write");
}

static bool may_fail(unsigned int number, const char *name)
{
	char line[80];
	int len = snprintf(line, sizeof(line), "call %u %s: %s\n", number,
			   tells(name) ? "is left alone" : "fails", name);

	nth_write_error(line, (size_t)len);
	return !tells(name);
}

__attribute__((constructor)) static void begin(void)
{
	const char *number = getenv(NTH_VARIABLE);
	unsigned int which;

	if (!number)
		return;
	which = (unsigned int)strtoul(number, NULL, 10);
	unsetenv(NTH_VARIABLE);
	nth_may_fail = may_fail;
	nth_arm(which, NTH_ONCE);
	nth_enter();
}
