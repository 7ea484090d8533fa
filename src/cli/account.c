// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>
#include <vballoon/abi/traditional_balloon.h>

#include "cli/account.h"
#include "cli/format.h"
#include "control/size.h"

/* A cause, and what is to be said of it. */
struct cause {
	const char *name;
	const char *text;
	const char *remedy;
};

/* What is asked of the guest and not done yet, by the state of the device. */
static const struct cause undone[] = {
	{ "no-front-end", "no virtual machine is connected that could do it",
	  "start it on the socket of vballoond" },
	{ "no-driver", "the guest has no driver that could do it, or none yet",
	  "load virtio_memory_balloon in the guest, or virtio_balloon if it is traditional" },
	{ "paused",
	  "the guest is paused, resetting, or has no driver loaded: a back end cannot tell",
	  "let it run, with its driver" },
	{ "stopped", "the device has stopped, as the guest broke the protocol",
	  "vballoonctl reset, after a look at vballoonctl status" },
	{ "ready", "the guest has not done it yet: it is at it, or has nothing to spare",
	  "give it time; then see vballoonctl stats, whether mem-available is small" },
};

static const struct cause no_memory = {
	"no-memory", "the guest has less free memory than that, as it reported",
	"ask for less, or wait until it has more: vballoonctl stats"
};

static const struct cause rate_limited = {
	"rate", "not asked for yet, as the policy has the balloon grow no faster",
	"give it time, or change inflate-rate with vballoonctl policy"
};

static const struct cause elsewhere = {
	"other-device", "in the other balloon that the guest has, from which it moves over", NULL
};

static const struct cause refused = {
	"policy", "the policy does not let the guest take it back",
	"if it should, vballoonctl policy withdraw-target=grant, or a smaller floor"
};

static const struct cause not_taken_back = {
	"ready", "the guest has not taken it back yet",
	"give it time: it takes what it is offered as fast as it can"
};

/* What can never be given back, by the name that the daemon has for it. */
static const struct cause kept[] = {
	{ "not-shared", "the memory is mapped privately by the virtual machine monitor",
	  "start the monitor with share=on" },
	{ "file", "the memory is a file on a disk, whose contents would be destroyed",
	  "back the memory with a memfd, tmpfs or hugetlbfs" },
	{ "sealed", "the memory is sealed against writing, which forbids giving it back",
	  "leave the write seal out" },
	{ "read-only", "the monitor passed a read-only descriptor of the memory",
	  "have the monitor pass one that permits writing" },
	{ "misaligned", "the memory does not begin and end on the host's pages",
	  "align its size to the host's pages" },
	{ "asked", "it was asked to keep the memory", NULL },
	{ "warm", "kept warm by the policy, for a fast return",
	  "when the host needs it, vballoonctl drop or vballoonctl policy pages=eager" },
	{ "silent-deflate", "the guest may be using it again, as its driver need not tell before",
	  "have vballoond offer must-tell-host, if the driver knows it" },
	{ "inhibited",
	  "a device is passed through to the guest, or may be, so nothing is given back",
	  "see passthrough in vballoonctl status" },
};

static const struct cause kept_otherwise = { "unknown", "the daemon keeps the memory",
					     "see the problem that vballoonctl status tells" };

static const struct cause waiting[] = {
	{ "soon", "to be given back as soon as the guest runs and vballoond gets to it", NULL },
	{ "partial", "part of larger host pages, of which the guest still has the rest",
	  "give vballoond the host's --page-size, or a larger target" },
	{ "failed", "the host refused to take it back",
	  "see what the host refused in vballoonctl status; it is tried again with the next set" },
};

static const struct cause *find(const struct cause *causes, size_t count, const char *name,
				const struct cause *otherwise)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(causes[i].name, name))
			return &causes[i];
	}
	return otherwise;
}

#define FIND(causes, name, otherwise)                                                              \
	find(causes, sizeof(causes) / sizeof((causes)[0]), name, otherwise)

static void begin(struct vballoon_account_sum *sum, const char *name, const char *text,
		  uint64_t bytes)
{
	sum->name = name;
	sum->text = text;
	sum->bytes = bytes;
	sum->count = 0;
}

static void add(struct vballoon_account_sum *sum, const char *name, uint64_t bytes,
		const char *text, const char *remedy)
{
	if (!bytes || sum->count == VBALLOON_ACCOUNT_PARTS_MAX)
		return;
	sum->parts[sum->count++] = (struct vballoon_account_part){ name, bytes, text, remedy };
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What a guest that could do it has not done: @bytes. */
static const struct cause *cause_of_guest(const json_t *status, const struct cause *otherwise,
					  uint64_t bytes)
{
	const json_t *stats = json_object_get(json_object_get(status, "guest"), "stats");
	const json_t *free = json_object_get(stats, "mem-free");

	if (!strcmp(otherwise->name, "ready") && json_is_integer(free) &&
	    (uint64_t)json_integer_value(free) < bytes)
		return &no_memory;
	return otherwise;
}

/* What stays in the balloon whatever the target is, of @surplus beyond it. From the traditional
 * balloon the guest takes back what it likes. */
static uint64_t refused_of(const json_t *status, uint64_t target, uint64_t surplus)
{
	const json_t *policy = json_object_get(status, "policy");
	const char *answer = json_string_value(json_object_get(policy, "withdraw_target"));
	uint64_t floor = vballoon_format_bytes_of(policy, "floor_bytes");

	if (json_integer_value(json_object_get(status, "device_id")) == VIRTIO_BALLOON_ID)
		return 0;
	if (answer && !strcmp(answer, "refuse"))
		return surplus;
	if (answer && !strcmp(answer, "floor") && floor > target)
		return smaller(surplus, floor - target);
	return 0;
}

static void account_target(struct vballoon_account *account, const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));
	uint64_t target = vballoon_format_bytes_of(status, "target_bytes");
	uint64_t held = vballoon_format_bytes_of(status, "held_bytes");
	struct vballoon_account_sum *sum = &account->sums[VBALLOON_ACCOUNT_TARGET];
	struct vballoon_account_sum *surplus = &account->sums[VBALLOON_ACCOUNT_SURPLUS];
	const struct cause *why =
		FIND(undone, state ? state : "", &undone[sizeof(undone) / sizeof(undone[0]) - 1]);
	const json_t *told = json_object_get(status, "asked_bytes");
	uint64_t asked = json_is_integer(told) ? (uint64_t)json_integer_value(told) : target;
	uint64_t moving = vballoon_format_bytes_of(json_object_get(status, "other"), "held_bytes");
	uint64_t kept_back, wanted;

	/* Whoever is not there is not held back either. */
	if (strcmp(why->name, "ready"))
		asked = target;
	asked = smaller(larger(asked, held), target);
	begin(sum, "target", "asked of the guest", target);
	add(sum, "held", smaller(target, held), "in the balloon", NULL);
	if (held < target) {
		const struct cause *guest;

		moving = smaller(moving, target - held);
		wanted = target - moving;
		asked = smaller(asked, wanted);
		guest = cause_of_guest(status, why, asked - held);
		add(sum, guest->name, asked - held, guest->text, guest->remedy);
		add(sum, rate_limited.name, wanted - asked, rate_limited.text, rate_limited.remedy);
		add(sum, elsewhere.name, moving, elsewhere.text, elsewhere.remedy);
	}
	begin(surplus, "surplus", "in the balloon beyond what is asked",
	      held > target ? held - target : 0);
	if (!strcmp(why->name, "ready"))
		why = &not_taken_back;
	kept_back = refused_of(status, target, surplus->bytes);
	add(surplus, refused.name, kept_back, refused.text, refused.remedy);
	add(surplus, why->name, surplus->bytes - kept_back, why->text, why->remedy);
}

static void account_held(struct vballoon_account *account, const json_t *status)
{
	struct vballoon_account_sum *sum = &account->sums[VBALLOON_ACCOUNT_HELD];
	const char *problem = json_string_value(json_object_get(status, "memory_problem"));
	const json_t *parts = json_object_get(status, "waiting");
	const struct cause *why;
	const char *name;
	json_t *bytes;
	size_t i;

	begin(sum, "held", "in the balloon", vballoon_format_bytes_of(status, "held_bytes"));
	add(sum, "dropped", vballoon_format_bytes_of(status, "dropped_bytes"),
	    "given back to the host", NULL);
	for (i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++)
		add(sum, waiting[i].name, vballoon_format_bytes_of(parts, waiting[i].name),
		    waiting[i].text, waiting[i].remedy);
	json_object_foreach (json_object_get(status, "kept_bytes"), name, bytes) {
		why = FIND(kept, name, &kept_otherwise);
		add(sum, name, (uint64_t)json_integer_value(bytes), why->text,
		    why == &kept_otherwise && problem ? problem : why->remedy);
	}
}

/* What is given back can be taken again behind the device's back; the host's
 * measure is what counts. Reported memory is the guest's to take again without a word, so
 * how much of it is not on the host can only be told from above. */
static void account_memory(struct vballoon_account *account, const json_t *status)
{
	struct vballoon_account_sum *sum = &account->sums[VBALLOON_ACCOUNT_MEMORY];
	uint64_t memory = vballoon_format_bytes_of(status, "memory_bytes");
	uint64_t backing = smaller(vballoon_format_bytes_of(status, "backing_bytes"), memory);
	uint64_t dropped = vballoon_format_bytes_of(status, "dropped_bytes");
	uint64_t free = smaller(dropped, memory - backing);
	uint64_t unused = memory - backing - free;
	uint64_t reported = smaller(unused, vballoon_format_bytes_of(status, "discarded_bytes"));

	begin(sum, "memory", "the guest's memory", memory);
	add(sum, "backing", backing - smaller(backing, dropped - free), "on the host now, measured",
	    NULL);
	add(sum, "backed-again", smaller(backing, dropped - free),
	    "given back, but on the host again: something writes there that is not the guest's "
	    "driver",
	    "see whether a device is passed through to the guest, or its memory is locked");
	add(sum, "free", free, "given back by the balloon, and free on the host", NULL);
	add(sum, "reported", reported,
	    "not in use: reported as free by the guest, and given back; this is at most, as what "
	    "it took again and what it never touched cannot be told apart",
	    NULL);
	add(sum, "untouched", unused - reported,
	    "not in use: never touched, or not since it came back from the balloon", NULL);
}

void vballoon_account_make(struct vballoon_account *account, const json_t *status)
{
	account_target(account, status);
	account_held(account, status);
	account_memory(account, status);
}

static json_t *sum_json(const struct vballoon_account_sum *sum)
{
	json_t *parts = json_array();
	unsigned int i;

	for (i = 0; i < sum->count; i++)
		json_array_append_new(parts, json_pack("{sssIssss?}", "cause", sum->parts[i].cause,
						       "bytes", (json_int_t)sum->parts[i].bytes,
						       "text", sum->parts[i].text, "remedy",
						       sum->parts[i].remedy));
	return json_pack("{sIso}", "bytes", (json_int_t)sum->bytes, "parts", parts);
}

json_t *vballoon_account_json(const struct vballoon_account *account)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < VBALLOON_ACCOUNT_SUMS; i++)
		json_object_set_new(object, account->sums[i].name, sum_json(&account->sums[i]));
	return object;
}

static void print_sum(const struct vballoon_account_sum *sum)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];
	unsigned int i;

	printf("%s are %s%s\n", vballoon_size_format(sum->bytes, text), sum->text,
	       sum->count ? ", of which" : ".");
	for (i = 0; i < sum->count; i++) {
		printf("  %-12s %s.\n", vballoon_size_format(sum->parts[i].bytes, text),
		       sum->parts[i].text);
		if (sum->parts[i].remedy)
			printf("  %-12s -> %s.\n", "", sum->parts[i].remedy);
	}
}

void vballoon_account_print(const struct vballoon_account *account)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_ACCOUNT_SUMS; i++) {
		if (i != VBALLOON_ACCOUNT_SURPLUS || account->sums[i].bytes)
			print_sum(&account->sums[i]);
	}
}
