// SPDX-License-Identifier: BSD-3-Clause
#include "control/feature_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

#define BIT(n) (UINT64_C(1) << (n))

/* virtio 1.3, 6 Reserved Feature Bits. */
#define RING_INDIRECT_DESC 28
#define RING_EVENT_IDX 29
#define VERSION_1 32
#define RING_PACKED 34
#define RING_IN_ORDER 35

#define NO_BIT 64

/* Whose a bit is: bits of the rings are the same for every device. */
#define ANY 0
#define NEW VIRTIO_MEMORY_BALLOON_ID
#define OLD VIRTIO_BALLOON_ID

static const struct feature {
	unsigned int device;
	const char *name;
	unsigned int bit;
	unsigned int needs; /* another bit, or NO_BIT */
} features[] = {
	{ NEW, "page-runs", VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS, NO_BIT },
	{ NEW, "exchange", VIRTIO_MEMORY_BALLOON_F_EXCHANGE, NO_BIT },
	{ NEW, "withdraw-reason", VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON, NO_BIT },
	{ NEW, "push-stats", VIRTIO_MEMORY_BALLOON_F_PUSH_STATS, NO_BIT },
	{ NEW, "reporting", VIRTIO_MEMORY_BALLOON_F_REPORTING, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS },
	{ NEW, "zeroed", VIRTIO_MEMORY_BALLOON_F_ZEROED, NO_BIT },
	{ OLD, "must-tell-host", VIRTIO_BALLOON_F_MUST_TELL_HOST, NO_BIT },
	{ OLD, "stats-vq", VIRTIO_BALLOON_F_STATS_VQ, NO_BIT },
	{ OLD, "deflate-on-oom", VIRTIO_BALLOON_F_DEFLATE_ON_OOM, NO_BIT },
	{ OLD, "free-page-hint", VIRTIO_BALLOON_F_FREE_PAGE_HINT, NO_BIT },
	{ OLD, "page-poison", VIRTIO_BALLOON_F_PAGE_POISON, NO_BIT },
	{ OLD, "page-reporting", VIRTIO_BALLOON_F_REPORTING, NO_BIT },
	{ OLD, "silent-deflate", VIRTIO_BALLOON_F_SILENT_DEFLATE, NO_BIT },
	{ ANY, "indirect-desc", RING_INDIRECT_DESC, NO_BIT },
	{ ANY, "event-idx", RING_EVENT_IDX, NO_BIT },
	{ ANY, "version-1", VERSION_1, NO_BIT },
	{ ANY, "ring-packed", RING_PACKED, NO_BIT },
	{ ANY, "in-order", RING_IN_ORDER, NO_BIT },
};

#define FEATURES_COUNT (sizeof(features) / sizeof(features[0]))

static bool is_of(const struct feature *feature, unsigned int device)
{
	return feature->device == ANY || feature->device == device;
}

static const struct feature *of_bit(unsigned int device, unsigned int bit)
{
	for (size_t i = 0; i < FEATURES_COUNT; i++) {
		if (is_of(&features[i], device) && features[i].bit == bit)
			return &features[i];
	}
	return NULL;
}

static const struct feature *of_name(unsigned int device, const char *name, size_t len)
{
	for (size_t i = 0; i < FEATURES_COUNT; i++) {
		if (is_of(&features[i], device) && strlen(features[i].name) == len &&
		    !strncmp(features[i].name, name, len))
			return &features[i];
	}
	return NULL;
}

const char *vballoon_feature_name(unsigned int device, unsigned int bit)
{
	const struct feature *feature = of_bit(device, bit);

	return feature ? feature->name : NULL;
}

int vballoon_feature_bit(unsigned int device, const char *name)
{
	const struct feature *feature = of_name(device, name, strlen(name));

	return feature ? (int)feature->bit : -1;
}

static bool has_what_it_needs(const struct feature *feature, uint64_t bits)
{
	return feature->needs == NO_BIT || bits & BIT(feature->needs);
}

/* A choice while it is read. */
struct choice {
	unsigned int device;
	uint64_t available;
	uint64_t chosen;
	uint64_t named; /* bits that a word was about */
	bool begun; /* a word was read */
	char *complaint;
};

static bool is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && !strncmp(word, name, len);
}

#define WRONG(choice, ...)                                                                         \
	(snprintf((choice)->complaint, VBALLOON_FEATURES_COMPLAINT_BYTES, __VA_ARGS__), -1)

/* One name, without its minus. */
static int take_name(struct choice *choice, const char *name, size_t len, bool leave_out)
{
	const struct feature *feature = of_name(choice->device, name, len);
	int shown = len < 40 ? (int)len : 40;

	if (!feature)
		return WRONG(choice,
			     "there is no feature \"%.*s\": --print-capabilities lists them", shown,
			     name);
	if (feature->bit == VERSION_1)
		return WRONG(choice, "version-1 is always there: leave its name out");
	if (!(choice->available & BIT(feature->bit)))
		return WRONG(choice, "this vballoond does not have %s: leave its name out",
			     feature->name);
	if (choice->named & BIT(feature->bit))
		return WRONG(choice, "%s is named twice: name it once", feature->name);
	choice->named |= BIT(feature->bit);
	if (leave_out)
		choice->chosen &= ~BIT(feature->bit);
	else
		choice->chosen |= BIT(feature->bit);
	return 0;
}

static int take_word(struct choice *choice, const char *word, size_t len)
{
	bool first = !choice->begun;
	bool leave_out = len && *word == '-';
	bool all = is(word, len, "all");

	choice->begun = true;
	if (all || is(word, len, "none")) {
		if (!first)
			return WRONG(choice, "\"%.*s\" is not the first word: put it first",
				     (int)len, word);
		choice->chosen = all ? choice->available : 0;
		return 0;
	}
	if (first && leave_out)
		choice->chosen = choice->available;
	return leave_out ? take_name(choice, word + 1, len - 1, true)
			 : take_name(choice, word, len, false);
}

static int check_needs(struct choice *choice)
{
	for (size_t i = 0; i < FEATURES_COUNT; i++) {
		if (is_of(&features[i], choice->device) && choice->chosen & BIT(features[i].bit) &&
		    !has_what_it_needs(&features[i], choice->chosen))
			return WRONG(choice, "%s needs %s: leave %s out too, or neither",
				     features[i].name,
				     of_bit(choice->device, features[i].needs)->name,
				     features[i].name);
	}
	return 0;
}

/* MUST_TELL_HOST and SILENT_DEFLATE say opposite things, and are never offered together. Of
 * "all" it is the first, unless the other was named. */
static int choose_one(struct choice *choice)
{
	const uint64_t must = BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST);
	const uint64_t silent = BIT(VIRTIO_BALLOON_F_SILENT_DEFLATE);

	if (choice->device != OLD || (choice->chosen & (must | silent)) != (must | silent))
		return 0;
	if ((choice->named & (must | silent)) == (must | silent))
		return WRONG(choice, "must-tell-host and silent-deflate are opposites: leave one "
				     "of them out");
	choice->chosen &= choice->named & silent ? ~must : ~silent;
	return 0;
}

int vballoon_features_parse(unsigned int device, const char *text, uint64_t available,
			    uint64_t *features_out,
			    char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES])
{
	struct choice choice = {
		.device = device,
		.available = available,
		.complaint = complaint,
	};
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (take_word(&choice, text, len))
			return -1;
		if (!text[len])
			break;
	}
	if (check_needs(&choice) || choose_one(&choice))
		return -1;
	*features_out = choice.chosen | (available & BIT(VERSION_1));
	return 0;
}
