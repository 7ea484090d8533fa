// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/text.h"
#include "daemon/passthrough.h"

#define SAY_ABSENT "or, if no device is passed through, say --passthrough absent"

/*
 * What the links of such descriptors contain. A front end in a jail has its devices
 * somewhere below another root, so they need not begin with it.
 *
 * KVM's own "anon_inode:kvm-vfio" is not among them: QEMU keeps it for ever after the
 * last device has gone.
 */
static const char *const pinning[] = {
	"/dev/vfio/", /* containers, groups, and devices/ */
	"/dev/iommu",	       "/dev/vhost-vdpa-", "/dev/infiniband/uverbs",
	"anon_inode:[vfio", /* a device of a group */
	"anon_inode:[iommufd",
};

static const char *const modes[] = {
	[VBALLOON_PASSTHROUGH_DETECT] = "detect",
	[VBALLOON_PASSTHROUGH_SAY_ABSENT] = "absent",
	[VBALLOON_PASSTHROUGH_SAY_PRESENT] = "present",
};

static const char *const states[] = {
	[VBALLOON_PASSTHROUGH_UNKNOWN] = "unknown",
	[VBALLOON_PASSTHROUGH_ABSENT] = "absent",
	[VBALLOON_PASSTHROUGH_PRESENT] = "present",
};

const char *vballoon_passthrough_parse(const char *text, enum vballoon_passthrough_mode *mode_out)
{
	unsigned int mode;

	for (mode = 0; mode < sizeof(modes) / sizeof(modes[0]); mode++) {
		if (!strcmp(text, modes[mode])) {
			*mode_out = mode;
			return NULL;
		}
	}
	return "it is not known: say detect, absent or present";
}

const char *vballoon_passthrough_name(enum vballoon_passthrough_state state)
{
	return states[state];
}

static void __attribute__((format(printf, 3, 4)))
tell(struct vballoon_passthrough *out, enum vballoon_passthrough_state state, const char *format,
     ...)
{
	va_list args;

	*out = (struct vballoon_passthrough){ .state = state };
	va_start(args, format);
	vsnprintf(out->text, sizeof(out->text), format, args);
	va_end(args);
	vballoon_text_repair(out->text);
}

void vballoon_passthrough_begin(enum vballoon_passthrough_mode mode,
				struct vballoon_passthrough *known_out)
{
	switch (mode) {
	case VBALLOON_PASSTHROUGH_SAY_ABSENT:
		tell(known_out, VBALLOON_PASSTHROUGH_ABSENT, "%s", "");
		break;
	case VBALLOON_PASSTHROUGH_SAY_PRESENT:
		tell(known_out, VBALLOON_PASSTHROUGH_PRESENT,
		     "a device is passed through to the guest, says --passthrough present");
		break;
	default:
		tell(known_out, VBALLOON_PASSTHROUGH_UNKNOWN, "the front end has not spoken yet");
	}
}

static bool pins_memory(const char *link)
{
	size_t i;

	for (i = 0; i < sizeof(pinning) / sizeof(pinning[0]); i++) {
		if (strstr(link, pinning[i]))
			return true;
	}
	return false;
}

/* Look at one descriptor. Returns 0; 1 when it is of such a device; -errno. One that
 * was closed meanwhile is none. */
static int look_at(int directory, const char *name, char *link, size_t room)
{
	ssize_t len;

	if (!isdigit((unsigned char)name[0]))
		return 0;
	len = readlinkat(directory, name, link, room - 1);
	if (len < 0)
		return errno == ENOENT ? 0 : -errno;
	link[len] = '\0';
	return pins_memory(link);
}

/* Returns as look_at() for all of them; -ENOENT when there is none, as a process
 * that has the front end's socket open has at least that. */
static int look_at_all(const struct vballoon_process *process, char *link, size_t room,
		       uint64_t *count_out)
{
	const struct dirent *entry;
	int outcome = 0;

	*count_out = 0;
	if (!process->descriptors)
		return process->descriptors_error;
	rewinddir(process->descriptors);
	for (;;) {
		errno = 0;
		entry = readdir(process->descriptors);
		if (!entry)
			return errno ? -errno : *count_out ? 0 : -ENOENT;
		*count_out += isdigit((unsigned char)entry->d_name[0]) != 0;
		outcome = look_at(dirfd(process->descriptors), entry->d_name, link, room);
		if (outcome)
			return outcome;
	}
}

/* Its descriptors are not for this user to see. */
static void look_at_memory(const struct vballoon_process *process, int64_t kib,
			   struct vballoon_passthrough *found_out)
{
	if (!kib)
		tell(found_out, VBALLOON_PASSTHROUGH_ABSENT, "%s", "");
	else if (kib > 0)
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: %" PRId64
		     " KiB of the front end, process %d, are locked or pinned, and its "
		     "descriptors are hidden: run vballoond as the front end's user, " SAY_ABSENT,
		     kib, process->pid);
	else
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: the front end, process "
		     "%d, lets this user see neither its descriptors nor its status: run "
		     "vballoond as the front end's user, " SAY_ABSENT,
		     process->pid);
	found_out->by_pins = true;
}

void vballoon_passthrough_look(const struct vballoon_process *process,
			       struct vballoon_passthrough *found_out)
{
	int64_t kib = vballoon_process_pinned_kib(process);
	uint64_t count = vballoon_process_descriptor_count(process), seen;
	char link[PATH_MAX] = "";
	int outcome;

	if (!process->pid) {
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: the front end is in "
		     "another PID namespace than vballoond or its procfs: run both in "
		     "one, " SAY_ABSENT);
		return;
	}
	outcome = look_at_all(process, link, sizeof(link), &seen);
	if (outcome == -EACCES || outcome == -EPERM)
		look_at_memory(process, kib, found_out);
	else if (outcome < 0)
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: the descriptors of the "
		     "front end, process %d, cannot be seen: %s: let procfs show it, " SAY_ABSENT,
		     process->pid, strerror(-outcome));
	else if (outcome)
		tell(found_out, VBALLOON_PASSTHROUGH_PRESENT,
		     "a device is passed through to the guest, which may reach all of its memory: "
		     "process %d has %.80s open",
		     process->pid, link);
	else
		tell(found_out, VBALLOON_PASSTHROUGH_ABSENT, "%s", "");
	found_out->pinned_kib = kib;
	found_out->descriptors = count == seen ? count : 0;
}
