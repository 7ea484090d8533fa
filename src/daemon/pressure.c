// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <vballoon/policy.h>

#include "daemon/log.h"
#include "daemon/lookout.h"
#include "daemon/pressure.h"

#define PSI VBALLOON_PRESSURE_TRIGGER
#define MEMINFO VBALLOON_PRESSURE_MEMINFO

static const char *const names[] = {
	[VBALLOON_PRESSURE_OFF] = "off",
	[VBALLOON_PRESSURE_PSI] = "psi",
	[VBALLOON_PRESSURE_LOOKS] = "available-memory",
	[VBALLOON_PRESSURE_BLIND] = "nothing",
};

const char *vballoon_pressure_name(enum vballoon_pressure_state state)
{
	return names[state];
}

static void feel(struct vballoon_pressure *pressure)
{
	pressure->times++;
	pressure->felt(pressure->context);
}

static void ready(void *context, uint32_t events)
{
	struct vballoon_pressure *pressure = context;

	/* EPOLLERR says that there will be no more. */
	if (events & EPOLLERR) {
		vballoon_log(LOG_WARNING, "the kernel tells of no pressure any more");
		vballoon_pressure_listen(pressure, 0);
	} else if (events & EPOLLPRI) {
		feel(pressure);
	}
}

void vballoon_pressure_init(struct vballoon_pressure *pressure, struct vballoon_loop *loop,
			    void (*felt)(void *context), void *context)
{
	memset(pressure, 0, sizeof(*pressure));
	pressure->loop = loop;
	pressure->source = (struct vballoon_source){
		.fd = -1, .events = EPOLLPRI, .ready = ready, .context = pressure
	};
	pressure->felt = felt;
	pressure->context = context;
}

static void close_trigger(struct vballoon_pressure *pressure)
{
	if (pressure->source.fd < 0)
		return;
	vballoon_loop_remove(pressure->loop, &pressure->source);
	close(pressure->source.fd);
	pressure->source.fd = -1;
}

static int open_trigger(struct vballoon_pressure *pressure, unsigned int percent)
{
	struct vballoon_source *source = &pressure->source;
	int fd = vballoon_lookout_pressure(percent);
	int err;

	if (fd < 0)
		return fd;
	source->fd = fd;
	err = vballoon_loop_add(pressure->loop, source);
	if (err) {
		close(source->fd);
		source->fd = -1;
	}
	return err;
}

static void tell_failure(const struct vballoon_pressure *pressure, int error)
{
	const char *remedy = "boot the host with psi=1";

	if (error == -EPERM || error == -EACCES)
		remedy = "before Linux 6.5 only a process with CAP_SYS_RESOURCE may listen";
	if (pressure->state == VBALLOON_PRESSURE_BLIND)
		vballoon_log(LOG_WARNING,
			     "warm memory is kept even when the host is short of it: neither " PSI
			     " nor " MEMINFO " can be read: let the process see them");
	else
		vballoon_log(LOG_NOTICE,
			     "the kernel does not tell of memory pressure: " PSI
			     ": %s: warm memory "
			     "is given back when less than %d %% of the host's is available; for "
			     "better, %s",
			     strerror(-error), VBALLOON_PRESSURE_AVAILABLE_PERCENT, remedy);
}

void vballoon_pressure_listen(struct vballoon_pressure *pressure, unsigned int percent)
{
	bool is_short;
	int err;

	if (percent == pressure->percent)
		return;
	close_trigger(pressure);
	pressure->percent = percent;
	pressure->state = VBALLOON_PRESSURE_OFF;
	if (!percent)
		return;
	err = open_trigger(pressure, percent);
	pressure->state = !err					? VBALLOON_PRESSURE_PSI
			  : !vballoon_lookout_memory(&is_short) ? VBALLOON_PRESSURE_LOOKS
								: VBALLOON_PRESSURE_BLIND;
	if (err)
		tell_failure(pressure, err);
}

uint64_t vballoon_pressure_due_ms(const struct vballoon_pressure *pressure, bool wanted)
{
	if (pressure->state != VBALLOON_PRESSURE_LOOKS || !wanted)
		return VBALLOON_NEVER;
	return pressure->looked_ms + VBALLOON_PRESSURE_LOOK_MS;
}

/* A figure in kB. */
static unsigned long long figure(const char *meminfo, const char *name)
{
	const char *line = strstr(meminfo, name);
	unsigned long long kb = 0;

	if (line)
		sscanf(line + strlen(name), " %llu", &kb);
	return kb;
}

bool vballoon_pressure_is_short(const char *meminfo)
{
	unsigned long long total = figure(meminfo, "MemTotal:");

	return figure(meminfo, "MemAvailable:") * 100 < total * VBALLOON_PRESSURE_AVAILABLE_PERCENT;
}

void vballoon_pressure_look(struct vballoon_pressure *pressure, uint64_t now_ms, bool wanted)
{
	bool is_short;

	if (now_ms < vballoon_pressure_due_ms(pressure, wanted))
		return;
	pressure->looked_ms = now_ms;
	if (!vballoon_lookout_memory(&is_short) && is_short)
		feel(pressure);
}
