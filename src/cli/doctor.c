// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <vballoon/abi/traditional_balloon.h>

#include "cli/doctor.h"
#include "cli/format.h"
#include "control/size.h"

static void find(struct vballoon_doctor_finding *finding, enum vballoon_doctor_level level,
		 const char *remedy, const char *format, ...) __attribute__((format(printf, 4, 5)));

static void find(struct vballoon_doctor_finding *finding, enum vballoon_doctor_level level,
		 const char *remedy, const char *format, ...)
{
	va_list args;

	finding->level = level;
	finding->remedy = remedy;
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

static bool is_state(const struct vballoon_doctor_facts *facts, const char *state)
{
	const char *is = json_string_value(json_object_get(facts->status, "state"));

	return is && !strcmp(is, state);
}

static bool has_front_end(const struct vballoon_doctor_facts *facts)
{
	return facts->status && !is_state(facts, "no-front-end");
}

static bool has_driver(const struct vballoon_doctor_facts *facts)
{
	return is_state(facts, "ready");
}

/* What the guest does was looked at for a moment: the daemon has not gone meanwhile. */
static bool was_followed(const struct vballoon_doctor_facts *facts)
{
	return has_driver(facts) && !facts->failure;
}

/* The checks: each returns false when there is nothing to look at. */

static bool check_huge_pages(const struct vballoon_doctor_facts *facts,
			     struct vballoon_doctor_finding *finding)
{
	static const char remedy[] =
		"echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled";
	const char *text = facts->shmem_enabled;

	if (!text)
		find(finding, VBALLOON_DOCTOR_NOTE, NULL,
		     "whether this kernel has huge pages for shared memory is not known");
	else if (strstr(text, "[never]") || strstr(text, "[deny]"))
		find(finding, VBALLOON_DOCTOR_NOTE, remedy,
		     "the host has no transparent huge pages for shared memory, which caps the "
		     "speed of the guest and of its balloon");
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL,
		     "the host has transparent huge pages for shared memory");
	return true;
}

static bool check_daemon(const struct vballoon_doctor_facts *facts,
			 struct vballoon_doctor_finding *finding)
{
	if (facts->failure)
		find(finding, VBALLOON_DOCTOR_PROBLEM, NULL, "%s", facts->failure);
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL, "vballoond answers");
	return true;
}

static bool check_front_end(const struct vballoon_doctor_facts *facts,
			    struct vballoon_doctor_finding *finding)
{
	if (!facts->status)
		return false;
	if (has_front_end(facts))
		find(finding, VBALLOON_DOCTOR_OK, NULL, "a virtual machine is connected");
	else
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     "start it on vballoond's socket, see vballoond(8)",
		     "no virtual machine is connected");
	return true;
}

static bool check_memory(const struct vballoon_doctor_facts *facts,
			 struct vballoon_doctor_finding *finding)
{
	const char *problem = json_string_value(json_object_get(facts->status, "memory_problem"));
	char text[VBALLOON_SIZE_TEXT_BYTES];

	if (!has_front_end(facts))
		return false;
	vballoon_size_format(vballoon_format_bytes_of(facts->status, "memory_bytes"), text);
	if (problem)
		find(finding, VBALLOON_DOCTOR_PROBLEM, "as said: until then the host gains nothing",
		     "guest memory cannot be given back: %s", problem);
	else if (!vballoon_format_bytes_of(facts->status, "memory_bytes"))
		find(finding, VBALLOON_DOCTOR_NOTE, "let the guest start its devices",
		     "the virtual machine has not told of its memory yet");
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL,
		     "the guest's memory, %s, is shared and can be given back", text);
	return true;
}

static bool check_passthrough(const struct vballoon_doctor_facts *facts,
			      struct vballoon_doctor_finding *finding)
{
	const json_t *passthrough = json_object_get(facts->status, "passthrough");
	const char *text = json_string_value(json_object_get(passthrough, "text"));

	if (!json_is_object(passthrough))
		return false;
	if (text)
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     "give the guest no such device, or do without its balloon: see --passthrough "
		     "in "
		     "vballoond(8)",
		     "nothing is given back to the host: %s", text);
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL, "no device is passed through to the guest");
	return true;
}

static bool check_policy(const struct vballoon_doctor_facts *facts,
			 struct vballoon_doctor_finding *finding)
{
	const json_t *policy = json_object_get(facts->status, "policy");
	const json_t *pressure = json_object_get(facts->status, "host_pressure");
	const char *pages = json_string_value(json_object_get(policy, "pages"));
	const char *watched = json_string_value(json_object_get(pressure, "watched"));

	if (!pages || !watched || strcmp(pages, "warm"))
		return false;
	if (!strcmp(watched, "psi"))
		find(finding, VBALLOON_DOCTOR_OK, NULL,
		     "memory is kept warm, and given back when the host is short of it");
	else if (!strcmp(watched, "off"))
		find(finding, VBALLOON_DOCTOR_NOTE, "vballoonctl policy host-pressure=10%",
		     "memory is kept warm, also when the host is short of it");
	else if (!strcmp(watched, "nothing"))
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     "let vballoond see /proc/pressure/memory or /proc/meminfo, or set "
		     "pages=eager",
		     "memory is kept warm, and vballoond cannot tell when the host is short of it");
	else
		find(finding, VBALLOON_DOCTOR_NOTE, "boot the host with psi=1; see vballoond's log",
		     "memory is kept warm, and the kernel does not tell when the host is short of "
		     "it: its available memory is looked at instead");
	return true;
}

static bool check_device(const struct vballoon_doctor_facts *facts,
			 struct vballoon_doctor_finding *finding)
{
	const json_t *reason = json_object_get(facts->status, "reason");
	const char *text = json_string_value(json_object_get(reason, "text"));

	if (!has_front_end(facts))
		return false;
	if (is_state(facts, "stopped"))
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     "update the guest's driver if it happens again; vballoonctl reset",
		     "the device has stopped, as the guest broke the protocol: %s",
		     text ? text : "no reason was told");
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL, "the guest has kept to the protocol");
	return true;
}

/* Virtio device 5, which the guest's kernel has a driver for. */
static bool is_traditional(const json_t *status)
{
	return json_integer_value(json_object_get(status, "device_id")) == VIRTIO_BALLOON_ID;
}

static bool check_driver(const struct vballoon_doctor_facts *facts,
			 struct vballoon_doctor_finding *finding)
{
	if (!has_front_end(facts) || is_state(facts, "stopped"))
		return false;
	if (is_state(facts, "ready"))
		find(finding, VBALLOON_DOCTOR_OK, NULL, "the guest's driver is there");
	else if (is_state(facts, "paused"))
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     is_traditional(facts->status)
			     ? "let the guest run; in the guest: modprobe virtio_balloon"
			     : "let the guest run; in the guest: modprobe virtio_memory_balloon",
		     "the guest is paused, resetting, or has no driver loaded: a back end cannot "
		     "tell");
	else
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     is_traditional(facts->status) ? "in the guest: modprobe virtio_balloon"
						   : "in the guest: modprobe virtio_memory_balloon",
		     "the guest has no driver for the device, or none yet");
	return true;
}

/* Whether everything that may surround the daemon does. */
static bool check_sandbox(const struct vballoon_doctor_facts *facts,
			  struct vballoon_doctor_finding *finding)
{
	json_t *sandbox = json_object_get(facts->status, "sandbox");
	size_t standing = 0, len = 0;
	const char *wall;
	char missing[128] = "";
	json_t *stands;

	if (!json_is_object(sandbox))
		return false;
	json_object_foreach (sandbox, wall, stands) {
		standing += json_is_true(stands);
		if (!json_is_true(stands) && len < sizeof(missing))
			len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%s",
						len ? ", " : "", wall);
	}
	if (!standing)
		find(finding, VBALLOON_DOCTOR_NOTE, "start it with --sandbox auto",
		     "vballoond is in no sandbox");
	else if (*missing)
		find(finding, VBALLOON_DOCTOR_NOTE, "see vballoond(8), SANDBOX",
		     "the sandbox of vballoond is without %s", missing);
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL, "vballoond is in its sandbox");
	return true;
}

static bool has_feature(const json_t *status, const char *name)
{
	json_t *feature;
	size_t i;

	json_array_foreach (json_object_get(status, "features"), i, feature) {
		if (json_is_string(feature) && !strcmp(json_string_value(feature), name))
			return true;
	}
	return false;
}

static void check_word(const struct vballoon_doctor_facts *facts,
		       struct vballoon_doctor_finding *finding)
{
	if (has_feature(facts->status, "must-tell-host"))
		find(finding, VBALLOON_DOCTOR_OK, NULL,
		     "the guest tells before it uses its memory again");
	else
		find(finding, VBALLOON_DOCTOR_NOTE,
		     "have vballoond offer must-tell-host, if the guest's driver has it",
		     "the guest may use its memory before it tells, so what is not given back at "
		     "once never is: must-tell-host was not negotiated");
}

static bool check_features(const struct vballoon_doctor_facts *facts,
			   struct vballoon_doctor_finding *finding)
{
	if (!has_driver(facts))
		return false;
	if (is_traditional(facts->status)) {
		check_word(facts, finding);
		return true;
	}
	if (has_feature(facts->status, "page-runs"))
		find(finding, VBALLOON_DOCTOR_OK, NULL, "the guest gives its memory in runs");
	else
		find(finding, VBALLOON_DOCTOR_NOTE,
		     "see whether the monitor hides feature bits, and update the guest's driver",
		     "the guest gives its memory page by page, which is slower: page-runs was not "
		     "negotiated");
	return true;
}

static bool check_statistics(const struct vballoon_doctor_facts *facts,
			     struct vballoon_doctor_finding *finding)
{
	const json_t *guest = json_object_get(facts->status, "guest");

	if (!was_followed(facts))
		return false;
	if (is_traditional(facts->status) && !has_feature(facts->status, "stats-vq"))
		find(finding, VBALLOON_DOCTOR_NOTE,
		     "have vballoond offer stats-vq, if the guest's driver has it",
		     "the guest's driver reports no statistics: stats-vq was not negotiated");
	else if (facts->silence)
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     "see whether the guest hangs, or is very busy",
		     "the guest's driver does not answer: %s", facts->silence);
	else if (json_is_true(json_object_get(guest, "late")))
		find(finding, VBALLOON_DOCTOR_NOTE,
		     "see whether the guest is very busy, or ask for them less often: vballoonctl "
		     "stats --period",
		     "the guest's driver answers, but is late with the statistics that it is to "
		     "report by itself");
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL, "the guest's driver answers");
	return true;
}

/* Whether the policy may hold a balloon above its target. */
static bool refuses(const json_t *status)
{
	const json_t *policy = json_object_get(status, "policy");
	const char *answer = json_string_value(json_object_get(policy, "withdraw_target"));

	return answer && strcmp(answer, "grant") && !is_traditional(status);
}

/* Whether the guest has all that it is asked for now, and the policy has it wait for more. */
static bool is_paced(const json_t *status, uint64_t held, uint64_t target)
{
	uint64_t asked = vballoon_format_bytes_of(status, "asked_bytes");

	return json_object_get(status, "asked_bytes") && asked < target && held >= asked;
}

static bool check_balloon(const struct vballoon_doctor_facts *facts,
			  struct vballoon_doctor_finding *finding)
{
	const json_t *now = facts->later ? facts->later : facts->status;
	char held_text[VBALLOON_SIZE_TEXT_BYTES], target_text[VBALLOON_SIZE_TEXT_BYTES];
	uint64_t target = vballoon_format_bytes_of(now, "target_bytes");
	uint64_t held = vballoon_format_bytes_of(now, "held_bytes");

	if (!was_followed(facts))
		return false;
	vballoon_size_format(held, held_text);
	vballoon_size_format(target, target_text);
	if (held == target)
		find(finding, VBALLOON_DOCTOR_OK, NULL,
		     "the balloon has the size that was asked, %s", target_text);
	else if (held != vballoon_format_bytes_of(facts->status, "held_bytes"))
		find(finding, VBALLOON_DOCTOR_NOTE, "wait: vballoonctl watch",
		     "the balloon is on its way: %s of %s", held_text, target_text);
	else if (is_paced(now, held, target))
		find(finding, VBALLOON_DOCTOR_NOTE, "wait, or see vballoonctl policy",
		     "the balloon has %s of %s: the policy has it grow no faster", held_text,
		     target_text);
	else if (held > target && refuses(now))
		find(finding, VBALLOON_DOCTOR_NOTE, "see vballoonctl policy",
		     "the balloon is kept at %s by the policy, while %s are asked", held_text,
		     target_text);
	else
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     held < target
			     ? "see vballoonctl stats: what the guest has available; set a "
			       "smaller size"
			     : "see whether the guest is very busy; it takes back what it was "
			       "given by itself",
		     "the balloon is stuck: %s, while %s are asked", held_text, target_text);
	return true;
}

/* Whether some of the balloon stays where it is, for causes that other checks tell of. */
static bool is_kept(const json_t *status)
{
	const char *cause;
	json_t *bytes;

	json_object_foreach (json_object_get(status, "kept_bytes"), cause, bytes) {
		if (json_integer_value(bytes))
			return true;
	}
	return false;
}

static bool check_host_pages(const struct vballoon_doctor_facts *facts,
			     struct vballoon_doctor_finding *finding)
{
	const json_t *now = facts->later ? facts->later : facts->status;
	const json_t *waiting = json_object_get(now, "waiting");
	uint64_t partial = vballoon_format_bytes_of(waiting, "partial");
	uint64_t failed = vballoon_format_bytes_of(waiting, "failed");
	char text[VBALLOON_SIZE_TEXT_BYTES];

	/* What is kept warm nobody has tried to give back. */
	if (!vballoon_format_bytes_of(now, "held_bytes") ||
	    vballoon_format_bytes_of(json_object_get(now, "kept_bytes"), "warm"))
		return false;
	if (failed)
		find(finding, VBALLOON_DOCTOR_PROBLEM,
		     "see what the host refused: vballoonctl status",
		     "the host has failed to take back %s of the balloon",
		     vballoon_size_format(failed, text));
	else if (partial)
		find(finding, VBALLOON_DOCTOR_NOTE,
		     "start vballoond with the --page-size of the host's pages",
		     "%s of the balloon are parts of larger host pages, and cannot be given back",
		     vballoon_size_format(partial, text));
	else if (is_kept(now))
		return false;
	else
		find(finding, VBALLOON_DOCTOR_OK, NULL,
		     "the host takes back what the balloon holds");
	return true;
}

static const struct {
	const char *name;
	bool (*check)(const struct vballoon_doctor_facts *facts,
		      struct vballoon_doctor_finding *finding);
} checks[] = {
	{ "huge-pages", check_huge_pages },   { "daemon", check_daemon },
	{ "front-end", check_front_end },     { "memory", check_memory },
	{ "passthrough", check_passthrough }, { "device", check_device },
	{ "policy", check_policy },	      { "driver", check_driver },
	{ "features", check_features },	      { "statistics", check_statistics },
	{ "balloon", check_balloon },	      { "host-pages", check_host_pages },
	{ "sandbox", check_sandbox },
};

const char *vballoon_doctor_level_name(enum vballoon_doctor_level level)
{
	static const char *const names[] = {
		[VBALLOON_DOCTOR_OK] = "ok",
		[VBALLOON_DOCTOR_NOTE] = "note",
		[VBALLOON_DOCTOR_PROBLEM] = "problem",
	};

	return names[level];
}

bool vballoon_doctor_next(const struct vballoon_doctor_facts *facts, unsigned int *next,
			  struct vballoon_doctor_finding *finding_out)
{
	while (*next < sizeof(checks) / sizeof(checks[0])) {
		finding_out->check = checks[*next].name;
		if (checks[(*next)++].check(facts, finding_out))
			return true;
	}
	return false;
}
