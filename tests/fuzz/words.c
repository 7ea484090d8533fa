/* SPDX-License-Identifier: BSD-3-Clause */
/* What an operator writes on a command line or in a file: sizes, spans, rules, features. */
#include <string.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/device.h>

#include "control/feature_names.h"
#include "control/rule.h"
#include "control/size.h"
#include "control/span.h"
#include "fuzz.h"

#define WORD_BYTES_MAX 256

uint64_t fuzz_reached;
const char fuzz_core[] = "words understood";

static bool rule(const char *text)
{
	const size_t name_len = strcspn(text, "=");
	const struct vballoon_rule *known = vballoon_rule_find(text, name_len);
	json_t *value = NULL;
	const char *complaint;

	if (!known || !text[name_len])
		return false;
	complaint = known->parse(text + name_len + 1, &value);
	FUZZ_HOLDS(!complaint == !!value);
	json_decref(value);
	return !complaint;
}

static bool features_of(uint32_t device_id, const char *text)
{
	char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES] = "";
	const uint64_t available = vballoon_device_features_of(device_id);
	uint64_t chosen = 0;

	if (vballoon_features_parse(device_id, text, available, &chosen, complaint)) {
		FUZZ_HOLDS(complaint[0] && memchr(complaint, 0, sizeof(complaint)));
		return false;
	}
	FUZZ_HOLDS(!(chosen & ~available));
	return true;
}

static bool features(const char *text)
{
	bool memory = features_of(VIRTIO_MEMORY_BALLOON_ID, text);

	return features_of(VIRTIO_BALLOON_ID, text) || memory;
}

/* A size that is written as it was read is the same size. */
static bool size(const char *text)
{
	char written[VBALLOON_SIZE_TEXT_BYTES];
	uint64_t bytes, ms;
	unsigned int percent;

	if (!vballoon_size_parse_percent(text, &percent))
		FUZZ_HOLDS(percent <= 100);
	if (vballoon_size_parse(text, &bytes))
		return !vballoon_span_parse(text, &ms);
	FUZZ_HOLDS(strlen(vballoon_size_format(bytes, written)) < sizeof(written));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char text[WORD_BYTES_MAX];

	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	if (len)
		memcpy(text, bytes, len);
	text[len] = 0;
	fuzz_reached += size(text) + rule(text) + features(text);
	return 0;
}
