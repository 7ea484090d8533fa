// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/format.h"
#include "control/size.h"

static const struct {
	const char *name;
	const char *meaning;
} states[] = {
	{ "no-front-end", "no virtual machine is connected: start it on the socket of vballoond" },
	{ "no-driver", "the guest has no driver for the device, or none yet: "
		       "load virtio_memory_balloon in it, or virtio_balloon if it is traditional" },
	{ "paused", "the guest is paused, resetting, or has no driver loaded, which a back end "
		    "cannot tell apart: let it run, with its driver" },
	{ "ready", "the guest's driver carries out what is asked" },
	{ "stopped", "the guest broke the protocol: \"vballoonctl reset\" brings the device back" },
};

/* The statistics that are counts, or times as their names say; the others are bytes. */
static const char *const counts[] = {
	"major-faults", "minor-faults",	     "hugetlb-allocations", "hugetlb-failures",
	"oom-kills",	"allocation-stalls", "compaction-stalls",   "compaction-failures",
	"psi-some-us",	"psi-full-us",
};

uint64_t vballoon_format_bytes_of(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

const char *vballoon_format_state(const char *state)
{
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!strcmp(state, states[i].name))
			return states[i].meaning;
	}
	return "this vballoonctl does not know what that means";
}

void vballoon_format_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
}

static void print_bytes(const char *label, uint64_t bytes, const char *remark)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];

	printf("%-22s%-14s%s\n", label, vballoon_size_format(bytes, text), remark);
}

static void print_kept(const json_t *kept)
{
	const char *cause;
	char label[64];
	json_t *bytes;

	json_object_foreach ((json_t *)kept, cause, bytes) {
		if (!json_integer_value(bytes))
			continue;
		snprintf(label, sizeof(label), "  %.40s", cause);
		print_bytes(label, (uint64_t)json_integer_value(bytes),
			    strcmp(cause, "inhibited") && strcmp(cause, "warm")
				    ? "never given back to the host, for this cause"
				    : "not given back to the host for now");
	}
}

static void print_state(const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));
	const json_t *reason = json_object_get(status, "reason");
	const char *text = json_string_value(json_object_get(reason, "text"));

	state = state ? state : "";
	printf("%-22s%-14s%s\n", "state", state, vballoon_format_state(state));
	if (text)
		printf("%-22s%s (queue %" JSON_INTEGER_FORMAT ")\n", "reason", text,
		       json_integer_value(json_object_get(reason, "queue")));
}

/* Only what keeps memory from being given back. */
static void print_passthrough(const json_t *passthrough)
{
	const char *text = json_string_value(json_object_get(passthrough, "text"));

	if (text)
		printf("%-22s%-14s%s\n", "passthrough",
		       json_string_value(json_object_get(passthrough, "state")), text);
}

/* The names of features, as --features takes them. */
static void print_features(const char *label, const json_t *names)
{
	json_t *name;
	size_t i;

	if (!json_is_array(names))
		return;
	printf("%-22s", label);
	json_array_foreach ((json_t *)names, i, name)
		printf("%s%s", i ? ", " : "", json_string_value(name));
	puts(json_array_size(names) ? "" : "none");
}

/* What holds the target back, or will end it. */
static void print_order(const json_t *status)
{
	const json_t *deadline = json_object_get(status, "deadline");
	uint64_t target = vballoon_format_bytes_of(status, "target_bytes");
	uint64_t asked = vballoon_format_bytes_of(status, "asked_bytes");
	const char *state = json_string_value(json_object_get(deadline, "state"));
	const char *then = json_string_value(json_object_get(deadline, "then"));
	char left[32];

	if (json_object_get(status, "asked_bytes") && asked < target)
		print_bytes("  for now", asked, "as the policy has the balloon grow no faster");
	if (!state || !then || strcmp(state, "running"))
		return;
	snprintf(left, sizeof(left), "%.1f s",
		 (double)vballoon_format_bytes_of(deadline, "left_ms") / 1000);
	printf("%-22s%-14s%s\n", "  deadline", left,
	       strcmp(then, "keep") ? "then the target before comes back"
				    : "then what was reached becomes the target");
}

static void print_counts(const json_t *counters, const char *name, const char *label,
			 const char *what)
{
	const char *cause;
	json_t *count;

	json_object_foreach (json_object_get(counters, name), cause, count) {
		if (json_integer_value(count))
			printf("%-22s%-14" JSON_INTEGER_FORMAT "%s: %s\n", label,
			       json_integer_value(count), what, cause);
	}
}

/* What the driver was refused and the host has failed at, where there is any. */
static void print_failures(const json_t *counters)
{
	json_int_t restores = json_integer_value(json_object_get(counters, "restore_failures"));

	print_counts(counters, "refused_entries", "refused", "entries");
	print_counts(counters, "withdraws_refused", "refused by policy", "times");
	if (json_integer_value(json_object_get(counters, "drop_failures")))
		printf("%-22s%-14" JSON_INTEGER_FORMAT "times, last: %s\n", "host refused",
		       json_integer_value(json_object_get(counters, "drop_failures")),
		       strerror(-(int)json_integer_value(
			       json_object_get(counters, "last_drop_error"))));
	if (restores)
		printf("%-22s%-14" JSON_INTEGER_FORMAT
		       "times, for memory that the guest was to have back\n",
		       "host had nothing", restores);
}

void vballoon_format_status(const json_t *status)
{
	const char *problem = json_string_value(json_object_get(status, "memory_problem"));

	print_state(status);
	print_bytes("target", vballoon_format_bytes_of(status, "target_bytes"),
		    "asked of the guest");
	print_order(status);
	print_bytes("in the balloon", vballoon_format_bytes_of(status, "held_bytes"),
		    "given up by the guest");
	if (vballoon_format_bytes_of(json_object_get(status, "other"), "held_bytes"))
		print_bytes(
			"  in the other one",
			vballoon_format_bytes_of(json_object_get(status, "other"), "held_bytes"),
			"of the guest's two devices, from which it moves over");
	print_bytes("  given back", vballoon_format_bytes_of(status, "dropped_bytes"),
		    "to the host");
	print_bytes("  waiting", vballoon_format_bytes_of(status, "waiting_bytes"),
		    "to be given back, or part of a larger host page");
	print_kept(json_object_get(status, "kept_bytes"));
	print_bytes("guest memory", vballoon_format_bytes_of(status, "memory_bytes"), "in all");
	print_bytes("  on the host", vballoon_format_bytes_of(status, "backing_bytes"),
		    "really used there now, measured");
	if (problem)
		printf("%-22s%s\n", "problem", problem);
	print_passthrough(json_object_get(status, "passthrough"));
	print_features("features offered", json_object_get(status, "features_offered"));
	print_features("  negotiated", json_object_get(status, "features"));
	print_failures(json_object_get(status, "counters"));
	vballoon_format_guest(json_object_get(status, "guest"));
}

static bool is_count(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (!strcmp(name, counts[i]))
			return true;
	}
	return false;
}

void vballoon_format_guest(const json_t *guest)
{
	json_int_t age_ms = json_integer_value(json_object_get(guest, "age_ms"));
	const char *name;
	json_t *value;
	char label[64];

	if (!json_is_object(guest)) {
		printf("%-22s%s\n", "guest", "has reported nothing yet: see vballoonctl stats");
		return;
	}
	printf("%-22s%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " s ago%s\n", "guest reported",
	       age_ms / 1000, age_ms % 1000 / 100,
	       json_is_true(json_object_get(guest, "late")) ? ", which is late: it may hang" : "");
	json_object_foreach (json_object_get(guest, "stats"), name, value) {
		snprintf(label, sizeof(label), "  %.40s", name);
		if (is_count(name))
			printf("%-22s%" JSON_INTEGER_FORMAT "\n", label, json_integer_value(value));
		else
			print_bytes(label, (uint64_t)json_integer_value(value), "");
	}
}
