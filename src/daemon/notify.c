// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "supervisor/manager.h"
#include "supervisor/parcel.h"

static int manager = -1;

void vballoon_notify_open(void)
{
	int fd = vballoon_keeper_is_there() ? -ENODATA : vballoon_manager_open();

	if (fd >= 0)
		manager = fd;
	else if (fd != -ENODATA)
		vballoon_log(LOG_WARNING, "the service manager cannot be told anything: %s",
			     strerror(-fd));
}

void vballoon_notify(const char *state)
{
	int err = 0;

	if (vballoon_keeper_is_there())
		err = vballoon_keeper_say(state);
	else if (manager >= 0)
		err = vballoon_parcel_send_one(manager, state, strlen(state), -1, 0);
	if (err)
		vballoon_log(LOG_WARNING, "the service manager cannot be told \"%s\": %s", state,
			     strerror(-err));
}
