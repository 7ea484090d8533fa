/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/plan.h"

#include <stdio.h>

#include "conformance/kind.h"
#include "control/feature_names.h"

/*
 * Which of the twelve factors are on in a row of the pairs. The first row has none; each
 * factor is on in four of the other six, no two in the same four. Two sets of four out of six
 * overlap and neither holds the other, so every two factors are seen off and off, on and
 * off, off and on, on and on.
 */
static bool pair_has(unsigned int row, unsigned int factor)
{
	static const uint8_t fours[] = { 0x0f, 0x33, 0x3c, 0x17, 0x2b, 0x35,
					 0x1e, 0x2d, 0x39, 0x36, 0x1b, 0x27 };

	return row && (fours[factor] >> (row - 1) & 1);
}

/* The factors are the bits that are varied; behind them the ring, and how queues are numbered. */
static uint64_t pair_features(const struct vballoon_kind *kind, unsigned int row,
			      unsigned int *factor_out)
{
	uint64_t features = 0, left = vballoon_kind_varied(kind);

	for (*factor_out = 0; left; left &= left - 1, ++*factor_out) {
		if (pair_has(row, *factor_out))
			features |= left & -left;
	}
	return features;
}

static void add(struct vballoon_plan *plan, const struct vballoon_options *options,
		const struct vballoon_facts *facts, uint64_t features, bool packed, bool dense)
{
	enum vballoon_ring ring = packed ? VBALLOON_RING_PACKED : VBALLOON_RING_SPLIT;

	if (options->ring != VBALLOON_RING_ANY && options->ring != ring)
		packed = options->ring == VBALLOON_RING_PACKED;
	if (packed && !(facts->features & VBALLOON_VIRTIO_RING_PACKED))
		return;
	plan->settings[plan->count++] = (struct vballoon_setting){
		.features = features & options->features & facts->features,
		.packed = packed,
		.dense = dense,
		.patience_ms = options->patience_ms,
		.grace_ms = options->grace_ms,
	};
}

void vballoon_plan_make(const struct vballoon_options *options, const struct vballoon_facts *facts,
			struct vballoon_plan *plan_out)
{
	unsigned int ring;
	uint64_t features;

	plan_out->count = 0;
	if (options->ring != VBALLOON_RING_PACKED)
		add(plan_out, options, facts, UINT64_MAX, false, false);
	if (options->ring != VBALLOON_RING_SPLIT)
		add(plan_out, options, facts, UINT64_MAX, true, true);
	for (unsigned int row = 0; options->pairwise && row < VBALLOON_PLAN_PAIRS; row++) {
		features = pair_features(facts->kind, row, &ring);
		add(plan_out, options, facts, features, pair_has(row, ring),
		    pair_has(row, ring + 1));
	}
}

char *vballoon_plan_name(const struct vballoon_kind *kind, const struct vballoon_setting *setting,
			 char *text, size_t size)
{
	uint64_t left = setting->features & vballoon_kind_varied(kind);
	int used = snprintf(text, size, "%s%s", setting->packed ? "packed" : "split",
			    setting->dense && kind->numberings ? ", dense" : "");

	for (; left; left &= left - 1)
		used += snprintf(text + used, size - (size_t)used, ", %s",
				 vballoon_feature_name(kind->device_id,
						       (unsigned int)__builtin_ctzll(left)));
	return text;
}
