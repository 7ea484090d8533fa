/* SPDX-License-Identifier: BSD-3-Clause */
/* Why memory is not dropped, for programs and for people. */
#include <vballoon/device.h>

struct words {
	const char *name;
	const char *text;
};

static const struct words reclaimables[] = {
	[VBALLOON_RECLAIMABLE] = {
		"reclaimable",
		"the memory can be given back to the host",
	},
	[VBALLOON_KEEP_UNKNOWN] = {
		"unknown",
		"what backs the memory could not be identified: back it with a memfd, "
		"tmpfs or hugetlbfs, shared",
	},
	[VBALLOON_KEEP_NOT_SHARED] = {
		"not-shared",
		"the memory is mapped privately, so giving back its file would free nothing: "
		"set share=on",
	},
	[VBALLOON_KEEP_FILE] = {
		"file",
		"the memory is a file that is not known to be memory alone, as one on a disk, so "
		"its contents could be destroyed: back it with a memfd, tmpfs or hugetlbfs",
	},
	[VBALLOON_KEEP_SEALED] = {
		"sealed",
		"the memory is sealed against writing, which forbids giving it back: leave the "
		"write seal out",
	},
	[VBALLOON_KEEP_READ_ONLY] = {
		"read-only",
		"the memory was passed with a read-only descriptor: pass one that permits writing",
	},
	[VBALLOON_KEEP_MISALIGNED] = {
		"misaligned",
		"the memory does not begin and end on the host's pages: align it to their size",
	},
	[VBALLOON_KEEP_ASKED] = {
		"asked",
		"the operator asked to keep the memory",
	},
	[VBALLOON_KEEP_INHIBITED] = {
		"inhibited",
		"memory must not be given back for now",
	},
	[VBALLOON_KEEP_WARM] = {
		"warm",
		"the policy keeps the pages warm, for a fast return: drop them, or set pages=eager",
	},
	[VBALLOON_KEEP_SILENT] = {
		"silent-deflate",
		"the guest may use the pages again before it says so, and they were not whole host "
		"pages when they came: offer must-tell-host to a driver that has it",
	},
};

_Static_assert(sizeof(reclaimables) / sizeof(reclaimables[0]) == VBALLOON_RECLAIMABLE_COUNT,
	       "every value has its words");

static const struct words *words_of(enum vballoon_reclaimable reclaimable)
{
	if ((unsigned int)reclaimable >= VBALLOON_RECLAIMABLE_COUNT)
		reclaimable = VBALLOON_KEEP_UNKNOWN;
	return &reclaimables[reclaimable];
}

const char *vballoon_reclaimable_text(enum vballoon_reclaimable reclaimable)
{
	return words_of(reclaimable)->text;
}

const char *vballoon_reclaimable_name(enum vballoon_reclaimable reclaimable)
{
	return words_of(reclaimable)->name;
}
