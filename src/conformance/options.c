/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/kind.h"
#include "control/feature_names.h"
#include "control/misread.h"

#define PATIENCE_MS 5000
#define GRACE_MS 100
#define SECONDS_MAX 600

static const char help[] =
	"usage: vballoon-conformance [OPTION]... -- COMMAND [WORD]...\n"
	"       vballoon-conformance [OPTION]... --socket-path PATH\n"
	"\n"
	"Tells whether a memory balloon (virtio device 13 or 5, behind a vhost-user socket)\n"
	"keeps its specification. It plays the monitor, the guest and its driver, the honest one\n"
	"and the hostile one; it needs no virtual machine.\n"
	"\n"
	"COMMAND is started for each topic, with the path of a socket in place of the %s in one\n"
	"of its words; it has to listen there. With --socket-path something listens already.\n"
	"\n"
	"With --driver it is the other way round: it plays the device, listens, and COMMAND is\n"
	"started for each case, connects to that socket as a monitor does, and brings a driver.\n"
	"\n"
	"  --socket-path PATH   the back end's socket; with --driver, where to listen\n"
	"  --device ID          the virtio device: 13 (default), or 5, the traditional balloon\n"
	"  --driver             test a driver, of device 13\n"
	"  --begin-round SHELL  what has the back end ask its guest for hints (device 5); %s as "
	"in\n"
	"                       COMMAND\n"
	"  --features LIST      negotiate these at most: all (default), none, or names with\n"
	"                       commas: page-runs, exchange, withdraw-reason, push-stats,\n"
	"                       reporting, zeroed, indirect-desc, event-idx, in-order; -NAME\n"
	"                       leaves out; those of device 5 have the names that vballoond\n"
	"                       has for them\n"
	"  --ring FORMAT        split, packed, or both (default), as far as offered\n"
	"  --pairwise           also with seven sets of features that have every two of them\n"
	"                       together, apart, and one without the other\n"
	"  --case NAME          only this: a topic, or TOPIC/CASE; may be repeated\n"
	"  --list               list the cases and the clause of each, and exit\n"
	"  --timeout SECONDS    how long the back end may think, 1 to 600; default 5\n"
	"  --verbose            a line for each case\n"
	"  --tap, --json        tell it as TAP, or as JSON, an object a line\n"
	"  --help, --version    print that and exit\n"
	"\n"
	"How a case ends:\n"
	"  PASS    it did what the clause says          FAIL    it did something else\n"
	"  REJECT  it refused what it has to refuse     WEDGED  it answers no more, or has gone\n"
	"  SKIP    what the case is about is not offered\n"
	"\n"
	"After each case that breaks a rule a driver that keeps them connects and does a small\n"
	"main job. A clause such as DEV-ADD-3 is one of docs/spec, one such as TRAD-INFLATE-2\n"
	"one of docs/traditional.md.\n"
	"\n"
	"Exit code: 0 it conforms; 1 a case failed; 2 wrong use; 3 there is nothing to test.\n"
	"\n"
	"Example: vballoon-conformance -- vballoond --no-config --socket-path %s\n";

enum {
	OPT_SOCKET = 1,
	OPT_DEVICE,
	OPT_DRIVER,
	OPT_BEGIN_ROUND,
	OPT_FEATURES,
	OPT_RING,
	OPT_PAIRWISE,
	OPT_CASE,
	OPT_LIST,
	OPT_TIMEOUT,
	OPT_VERBOSE,
	OPT_TAP,
	OPT_JSON,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option table[] = {
	{ "socket-path", required_argument, NULL, OPT_SOCKET },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "driver", no_argument, NULL, OPT_DRIVER },
	{ "begin-round", required_argument, NULL, OPT_BEGIN_ROUND },
	{ "features", required_argument, NULL, OPT_FEATURES },
	{ "ring", required_argument, NULL, OPT_RING },
	{ "pairwise", no_argument, NULL, OPT_PAIRWISE },
	{ "case", required_argument, NULL, OPT_CASE },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "tap", no_argument, NULL, OPT_TAP },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int wrong(const char *text, const char *what)
{
	fprintf(stderr, "vballoon-conformance: %s%s: see vballoon-conformance --help\n", text,
		what);
	return VBALLOON_EXIT_USAGE;
}

static int take_device(struct vballoon_options *options, const char *text)
{
	char *end;
	unsigned long device = strtoul(text, &end, 10);

	options->device = device <= UINT32_MAX ? (uint32_t)device : 0;
	if (end != text && !*end && vballoon_kind_of(options->device))
		return -1;
	return wrong(text, ": the device is 13 or 5");
}

/* Whose names they are is known when all options are. */
static int take_features(struct vballoon_options *options)
{
	const struct vballoon_kind *kind = vballoon_kind_of(options->device);
	char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES];

	if (!options->feature_list ||
	    !vballoon_features_parse(kind->device_id, options->feature_list,
				     vballoon_kind_varied(kind), &options->features, complaint))
		return -1;
	fprintf(stderr, "vballoon-conformance: --features %s: %s\n", options->feature_list,
		complaint);
	return VBALLOON_EXIT_USAGE;
}

static int take_ring(struct vballoon_options *options, const char *text)
{
	static const char *const names[] = { "both", "split", "packed" };

	for (size_t i = 0; i < 3; i++) {
		if (!strcmp(text, names[i])) {
			options->ring = (enum vballoon_ring)i;
			return -1;
		}
	}
	return wrong(text, ": the ring is split, packed, or both");
}

static int take_timeout(struct vballoon_options *options, const char *text)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (end == text || *end || seconds < 1 || seconds > SECONDS_MAX)
		return wrong(text, ": the timeout is 1 to 600 seconds");
	options->patience_ms = (int)seconds * 1000;
	return -1;
}

/* Whether a topic, or one of its cases, has this name. */
static bool name_exists(const char *name)
{
	struct vballoon_options one = { .chosen = { name }, .chosen_count = 1 };

	for (size_t i = 0; vballoon_topics[i]; i++) {
		for (size_t j = 0; j < vballoon_topics[i]->count; j++) {
			if (vballoon_options_want(&one, vballoon_topics[i],
						  &vballoon_topics[i]->cases[j]))
				return true;
		}
	}
	return false;
}

static int take_case(struct vballoon_options *options, const char *text)
{
	if (!name_exists(text))
		return wrong(text, ": there is no such case or topic; --list names them");
	if (options->chosen_count == VBALLOON_CASES_CHOSEN_MAX)
		return wrong(text, ": too many cases were named");
	options->chosen[options->chosen_count++] = text;
	return -1;
}

static int take(struct vballoon_options *options, int option, const char *text)
{
	switch (option) {
	case OPT_SOCKET:
		options->socket_path = text;
		return -1;
	case OPT_DEVICE:
		return take_device(options, text);
	case OPT_DRIVER:
		options->driver = true;
		return -1;
	case OPT_BEGIN_ROUND:
		options->round_command = text;
		return -1;
	case OPT_FEATURES:
		options->feature_list = text;
		return -1;
	case OPT_RING:
		return take_ring(options, text);
	case OPT_PAIRWISE:
		options->pairwise = true;
		return -1;
	case OPT_CASE:
		return take_case(options, text);
	case OPT_LIST:
		options->list = true;
		return -1;
	case OPT_TIMEOUT:
		return take_timeout(options, text);
	case OPT_VERBOSE:
		options->verbose = true;
		return -1;
	case OPT_TAP:
	case OPT_JSON:
		options->style = option == OPT_TAP ? VBALLOON_STYLE_TAP : VBALLOON_STYLE_JSON;
		return -1;
	case OPT_HELP:
		fputs(help, stdout);
		return VBALLOON_EXIT_CONFORMS;
	default:
		puts("vballoon-conformance " VBALLOON_VERSION);
		return VBALLOON_EXIT_CONFORMS;
	}
}

static int check(struct vballoon_options *options)
{
	int code = take_features(options);

	if (code >= 0 || options->list)
		return code;
	if (options->driver && options->device != VIRTIO_MEMORY_BALLOON_ID)
		return wrong("--driver with --device 5", ": only drivers of device 13 are tested");
	if (options->socket_path && options->command)
		return wrong("--socket-path and a command were both given", ": give one of them");
	if (!options->socket_path && !options->command)
		return wrong("what to test was not said", ": give -- COMMAND, or --socket-path");
	for (size_t i = 0; options->command && options->command[i]; i++) {
		if (strstr(options->command[i], "%s"))
			return -1;
	}
	return options->command ? wrong("no word of the command has %s",
					": that is where the socket's path goes")
				: -1;
}

int vballoon_options_read(int argc, char **argv, struct vballoon_options *options_out)
{
	char letter[3];
	int option, code;

	*options_out = (struct vballoon_options){
		.device = VIRTIO_MEMORY_BALLOON_ID,
		.features = UINT64_MAX,
		.patience_ms = PATIENCE_MS,
		.grace_ms = GRACE_MS,
	};
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", table, NULL)) != -1) {
		if (option == ':' || option == '?')
			return wrong(vballoon_misread_option(argv, letter),
				     option == ':' ? ": a value is missing"
						   : ": there is no such option");
		code = take(options_out, option, optarg);
		if (code >= 0)
			return code;
	}
	if (optind < argc)
		options_out->command = argv + optind;
	return check(options_out);
}

bool vballoon_options_want(const struct vballoon_options *options,
			   const struct vballoon_topic *topic, const struct vballoon_case *row)
{
	size_t len = strlen(topic->name);

	for (size_t i = 0; i < options->chosen_count; i++) {
		const char *name = options->chosen[i];

		if (strncmp(name, topic->name, len))
			continue;
		if (!name[len] || (name[len] == '/' && !strcmp(name + len + 1, row->name)))
			return true;
	}
	return !options->chosen_count;
}
