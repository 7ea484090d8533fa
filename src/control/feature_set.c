// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

#include "control/feature_names.h"
#include "control/feature_set.h"

#define WRONG(complaint, ...)                                                                      \
	(snprintf(complaint, VBALLOON_FEATURE_SET_COMPLAINT_BYTES, __VA_ARGS__), -1)

json_t *vballoon_feature_set_names(uint32_t device, uint64_t bits)
{
	json_t *names = json_array();
	const char *name;
	char text[16];

	for (unsigned int bit = 0; bit < 64; bit++) {
		if (!(bits >> bit & 1))
			continue;
		snprintf(text, sizeof(text), "bit-%u", bit);
		name = vballoon_feature_name(device, bit);
		json_array_append_new(names, json_string(name ? name : text));
	}
	return names;
}

json_t *vballoon_feature_set_json(const struct vballoon_feature_set *set)
{
	return json_pack(
		"{sisisIsoso}", "device", (int)set->device_id, "revision", (int)set->revision,
		"page_bytes", (json_int_t)1 << set->page_shift, "offered",
		vballoon_feature_set_names(set->device_id, set->offered), "negotiated",
		set->has_driver ? vballoon_feature_set_names(set->device_id, set->negotiated)
				: json_null());
}

/* The bit that a name says, or -1. */
static int bit_of(uint32_t device, const char *name)
{
	unsigned int bit;
	char rest;

	if (sscanf(name, "bit-%2u%c", &bit, &rest) == 1 && bit < 64)
		return (int)bit;
	return vballoon_feature_bit(device, name);
}

static int read_bits(const json_t *names, const char *member, uint32_t device, uint64_t *bits_out,
		     char *complaint)
{
	const json_t *entry;
	size_t i;

	if (!json_is_array(names))
		return WRONG(complaint, "\"%s\" is no list of names", member);
	*bits_out = 0;
	json_array_foreach (names, i, entry) {
		const char *name = json_string_value(entry);
		int bit = name ? bit_of(device, name) : -1;

		if (bit < 0)
			return WRONG(
				complaint,
				"\"%s\" names \"%.40s\", which is no feature of device %u that "
				"is known here",
				member, name ? name : "?", device);
		*bits_out |= UINT64_C(1) << bit;
	}
	return 0;
}

static int read_page(const json_t *object, uint32_t *shift_out)
{
	json_int_t bytes = json_integer_value(json_object_get(object, "page_bytes"));

	for (uint32_t shift = VIRTIO_MEMORY_BALLOON_SHIFT_MIN;
	     shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX; shift++) {
		if (bytes == (json_int_t)1 << shift) {
			*shift_out = shift;
			return 0;
		}
	}
	return -1;
}

int vballoon_feature_set_read(const json_t *object, struct vballoon_feature_set *set_out,
			      char complaint[VBALLOON_FEATURE_SET_COMPLAINT_BYTES])
{
	json_int_t device = json_integer_value(json_object_get(object, "device"));
	json_int_t revision = json_integer_value(json_object_get(object, "revision"));
	const json_t *negotiated = json_object_get(object, "negotiated");
	struct vballoon_feature_set set = { .has_driver = !json_is_null(negotiated) };

	if (device != VIRTIO_MEMORY_BALLOON_ID && device != VIRTIO_BALLOON_ID)
		return WRONG(complaint, "\"device\" is not 13 or 5");
	if (revision < 0 || revision > UINT32_MAX)
		return WRONG(complaint, "\"revision\" is no small number");
	if (read_page(object, &set.page_shift))
		return WRONG(complaint, "\"page_bytes\" is no power of two from 4096 to 1 GiB");
	set.device_id = (uint32_t)device;
	set.revision = (uint32_t)revision;
	if (read_bits(json_object_get(object, "offered"), "offered", set.device_id, &set.offered,
		      complaint))
		return -1;
	if (set.has_driver &&
	    read_bits(negotiated, "negotiated", set.device_id, &set.negotiated, complaint))
		return -1;
	*set_out = set;
	return 0;
}
