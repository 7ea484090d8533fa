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

#include "daemon/passthrough.h"
#include "daemon/proc_status.h"

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

	out->by_pins = false;
	out->state = state;
	va_start(args, format);
	vsnprintf(out->text, sizeof(out->text), format, args);
	va_end(args);
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

/* Numbers in @proc mean the same processes as ours. Where a PID namespace was made
 * without mounting procfs anew, this process has more than one number there. */
static bool is_our_proc(const char *proc)
{
	char numbers[256], extra;
	int pid;

	return !vballoon_proc_status_read(proc, "self", "NSpid:", numbers, sizeof(numbers)) &&
	       sscanf(numbers, "%d %c", &pid, &extra) == 1;
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
static int look_at_all(DIR *directory, char *link, size_t room)
{
	const struct dirent *entry;
	int outcome = 0;
	bool any = false;

	for (;;) {
		errno = 0;
		entry = readdir(directory);
		if (!entry)
			return errno ? -errno : any ? 0 : -ENOENT;
		any = any || isdigit((unsigned char)entry->d_name[0]);
		outcome = look_at(dirfd(directory), entry->d_name, link, room);
		if (outcome)
			return outcome;
	}
}

/*
 * How much of a process' memory the host counts as locked or pinned, in KiB: -errno
 * when it does not tell. VFIO counts what it pins as locked, the others as pinned.
 */
static int64_t pinned_kib(const char *proc, const char *process)
{
	static const char *const names[] = { "VmLck:", "VmPin:" };
	uint64_t kib, sum = 0;
	char text[64];
	size_t i;
	int err;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		err = vballoon_proc_status_read(proc, process, names[i], text, sizeof(text));
		if (err)
			return err;
		if (sscanf(text, "%" SCNu64 " kB", &kib) != 1 || kib > INT32_MAX * 1024ULL)
			return -EINVAL;
		sum += kib;
	}
	return (int64_t)sum;
}

/* Its descriptors are not for this user to see. */
static void look_at_memory(const char *proc, const char *process,
			   struct vballoon_passthrough *found_out)
{
	int64_t kib = pinned_kib(proc, process);

	if (!kib)
		tell(found_out, VBALLOON_PASSTHROUGH_ABSENT, "%s", "");
	else if (kib > 0)
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: %" PRId64
		     " KiB of the front end, process %s, are locked or pinned, and its "
		     "descriptors are hidden: run vballoond as the front end's user, " SAY_ABSENT,
		     kib, process);
	else
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: the front end, process "
		     "%s, lets this user see neither its descriptors nor its status: run "
		     "vballoond as the front end's user, " SAY_ABSENT,
		     process);
	found_out->by_pins = true;
}

void vballoon_passthrough_look(const char *proc, pid_t pid, struct vballoon_passthrough *found_out)
{
	char path[PATH_MAX], link[PATH_MAX] = "", process[16];
	DIR *directory;
	int outcome;

	if (pid <= 0 || !is_our_proc(proc)) {
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: the front end is in "
		     "another PID namespace than vballoond or its procfs: run both in "
		     "one, " SAY_ABSENT);
		return;
	}
	snprintf(process, sizeof(process), "%d", pid);
	snprintf(path, sizeof(path), "%s/%s/fd", proc, process);
	directory = opendir(path);
	outcome = directory ? look_at_all(directory, link, sizeof(link)) : -errno;
	if (directory)
		closedir(directory);
	if (outcome == -EACCES || outcome == -EPERM)
		look_at_memory(proc, process, found_out);
	else if (outcome < 0)
		tell(found_out, VBALLOON_PASSTHROUGH_UNKNOWN,
		     "whether a device is passed through cannot be told: the descriptors of the "
		     "front end, process %s, cannot be seen: %s: let procfs show it, " SAY_ABSENT,
		     process, strerror(-outcome));
	else if (outcome)
		tell(found_out, VBALLOON_PASSTHROUGH_PRESENT,
		     "a device is passed through to the guest, which may reach all of its memory: "
		     "process %s has %.80s open",
		     process, link);
	else
		tell(found_out, VBALLOON_PASSTHROUGH_ABSENT, "%s", "");
}
