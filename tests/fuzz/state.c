/* SPDX-License-Identifier: BSD-3-Clause */
/* A saved state that anybody may have written, read and loaded into either device. */
#include <stdlib.h>
#include <string.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/device.h>

#include "fuzz.h"
#include "state/checksum.h"
#include "state/saved.h"

#define PAGE UINT64_C(4096)
#define HEAD VBALLOON_SAVED_HEAD_BYTES
#define AT_BYTES 16
#define SUM_BYTES 4

uint64_t fuzz_reached;
const char fuzz_core[] = "states loaded";

/* A guest with two extents of memory, the first of them cut in two. */
static const struct {
	uint64_t gpa, pages;
} extents[] = { { 0x100000, 60 }, { 0x100000 + 60 * PAGE, 40 }, { 0x40000000, 200 } };

#define EXTENTS (sizeof(extents) / sizeof(extents[0]))

static void notify(void *context, unsigned int queue)
{
	(void)context;
	(void)queue;
}

static struct vballoon_device *make_device(uint32_t device_id, void *page_maps[EXTENTS])
{
	static const struct vballoon_device_ops ops = { .notify = notify };
	const struct vballoon_device_config config = {
		.device_id = device_id,
		.page_shift = 12,
		.features = vballoon_device_features_of(device_id),
		.ops = &ops,
	};
	static unsigned char memory[200 * PAGE];
	struct vballoon_device *device;

	FUZZ_HOLDS(!vballoon_device_init(malloc(vballoon_device_bytes()), &config, &device));
	for (unsigned int i = 0; i < EXTENTS; i++) {
		const size_t map_bytes =
			vballoon_page_map_bytes(vballoon_bytes(extents[i].pages * PAGE), 12);
		const struct vballoon_region region = {
			.gpa = vballoon_gpa(extents[i].gpa),
			.size = vballoon_bytes(extents[i].pages * PAGE),
			.host = memory, /* never touched */
			.host_page_shift = 12,
			.page_map = page_maps[i] = malloc(map_bytes),
			.page_map_bytes = map_bytes,
		};

		FUZZ_HOLDS(!vballoon_device_add_region(device, &region));
	}
	return device;
}

/* What is sound has runs in order, in memory, and so many pages. */
static void check_runs(const void *state, size_t len)
{
	struct vballoon_saved_cursor cursor = { 0 };
	struct vballoon_saved saved;
	struct vballoon_run run;
	uint64_t end = 0, held = 0;

	FUZZ_HOLDS(!vballoon_saved_open(state, len, &saved));
	while (vballoon_saved_next_run(&saved, &cursor, &run)) {
		FUZZ_HOLDS(run.count && run.first >= end && run.first <= saved.memory_pages &&
			   run.count <= saved.memory_pages - run.first);
		end = run.first + run.count;
		held += run.count;
	}
	FUZZ_HOLDS(held == saved.held);
}

/* A state of the device as it is, the caller's. */
static void *save(const struct vballoon_device *device, size_t *len_out)
{
	void *state;

	vballoon_device_save(device, NULL, 0, len_out);
	state = malloc(*len_out);
	FUZZ_HOLDS(state && !vballoon_device_save(device, state, *len_out, len_out));
	return state;
}

/* What was loaded can be saved, and holds the same; and that has all that there is to load. */
static void check_loaded(struct vballoon_device *device, uint64_t held)
{
	struct vballoon_saved_check check;
	struct vballoon_saved_info info;
	struct vballoon_status status;
	size_t len, len_again;
	void *state, *again;

	vballoon_device_status(device, &status);
	FUZZ_HOLDS(status.held_pages == held && !status.dropped_pages);
	FUZZ_HOLDS(status.record != VBALLOON_RECORD_PROVEN);
	state = save(device, &len);
	FUZZ_HOLDS(!vballoon_saved_read(state, len, &info) && info.held_pages == held);
	FUZZ_HOLDS(!vballoon_device_load(device, state, len, &check) && !check.fault);
	again = save(device, &len_again);
	FUZZ_HOLDS(len_again == len && !memcmp(again, state, len));
	free(state);
	free(again);
}

static void load(const void *state, size_t len, uint32_t device_id)
{
	struct vballoon_saved_check check;
	struct vballoon_saved_info info;
	void *page_maps[EXTENTS];
	struct vballoon_device *device;

	if (vballoon_saved_read(state, len, &info))
		return;
	check_runs(state, len);
	device = make_device(device_id, page_maps);
	(void)vballoon_device_set_features(device, info.features.negotiated);
	if (!vballoon_device_load(device, state, len, &check)) {
		check_loaded(device, check.fault ? 0 : info.held_pages);
		fuzz_reached++;
	}
	for (unsigned int i = 0; i < EXTENTS; i++)
		free(page_maps[i]);
	free(device);
}

/* The length and the checksum as they would be, so that what is behind them is reached. */
static void seal(uint8_t *state, size_t len)
{
	if (len < HEAD + SUM_BYTES)
		return;
	vballoon_saved_store64(state + AT_BYTES, len);
	vballoon_saved_store32(state + len - SUM_BYTES, vballoon_checksum(state, len - SUM_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_input input = { bytes, len };
	const uint8_t shape = fuzz_u8(&input);
	uint8_t *state = malloc(input.len ? input.len : 1); /* so that reading on is seen */

	FUZZ_HOLDS(state);
	len = fuzz_bytes(&input, state, input.len);
	if (shape & 1)
		seal(state, len);
	load(state, len, shape & 2 ? VIRTIO_BALLOON_ID : VIRTIO_MEMORY_BALLOON_ID);
	free(state);
	return 0;
}
