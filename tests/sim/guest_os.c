// SPDX-License-Identifier: BSD-3-Clause
#include "guest_os.h"

#include <inttypes.h>
#include <string.h>

#define ZEROS_LOOKED_AT 128

static void set_owner(struct guest_os *os, uint32_t frame, enum page_owner owner)
{
	os->count[os->owner[frame]]--;
	os->count[owner]++;
	os->owner[frame] = (uint8_t)owner;
}

static uint64_t canary(const struct guest_os *os, uint32_t frame)
{
	return rng_mix(((uint64_t)frame << 32 | os->generation[frame]) + 1);
}

static uint8_t *last_word(const struct guest_os *os, uint32_t frame)
{
	return machine_pointer(os->machine, frame) + machine_page_bytes(os->machine) -
	       sizeof(uint64_t);
}

void guest_os_check_stamp(const struct guest_os *os, uint32_t frame)
{
	uint64_t expected = canary(os, frame);

	if (!os->canaries)
		return;
	if (memcmp(machine_pointer(os->machine, frame), &expected, sizeof(expected)) ||
	    memcmp(last_word(os, frame), &expected, sizeof(expected)))
		trace_fail(os->trace, "the guest's page at %#" PRIx64 " was spoiled",
			   machine_gpa(os->machine, frame));
}

void guest_os_stamp(struct guest_os *os, uint32_t frame)
{
	uint64_t value;

	oracle_touch(os->oracle, frame);
	os->generation[frame]++;
	value = canary(os, frame);
	memcpy(machine_pointer(os->machine, frame), &value, sizeof(value));
	memcpy(last_word(os, frame), &value, sizeof(value));
}

void guest_os_use_frame(struct guest_os *os, uint32_t frame)
{
	guest_os_stamp(os, frame);
	set_owner(os, frame, PAGE_USED);
}

static void free_frame(struct guest_os *os, uint32_t frame)
{
	if (os->owner[frame] == PAGE_USED)
		guest_os_check_stamp(os, frame);
	set_owner(os, frame, PAGE_FREE);
}

/* A frame of @owner at or after a random one; MACHINE_NO_FRAME when there is none. */
static uint32_t find_frame(const struct guest_os *os, enum page_owner owner)
{
	uint32_t start = rng_below(os->rng, os->machine->frames);

	if (!os->count[owner])
		return MACHINE_NO_FRAME;
	while (os->owner[start] != owner)
		start = start + 1 < os->machine->frames ? start + 1 : 0;
	return start;
}

void guest_os_init(struct guest_os *os)
{
	memset(os->owner, PAGE_ABSENT, sizeof(os->owner));
	memset(os->generation, 0, sizeof(os->generation));
	memset(os->count, 0, sizeof(os->count));
	os->count[PAGE_ABSENT] = os->machine->frames;
	os->has_kernel_memory = false;
	for (unsigned int i = 0; i < os->machine->region_count; i++) {
		if (os->machine->regions[i].plugged)
			guest_os_plug(os, i);
	}
}

void guest_os_boot(struct guest_os *os)
{
	guest_os_check(os);
	os->has_kernel_memory = false;
	for (uint32_t frame = 0; frame < os->machine->frames; frame++) {
		if (os->owner[frame] != PAGE_ABSENT)
			set_owner(os, frame, PAGE_FREE);
	}
	guest_os_use(os, os->count[PAGE_FREE] * rng_between(os->rng, 10, 75) / 100);
}

/* Whether @frames frames at @first all have @owner. */
static bool all_owned(const struct guest_os *os, uint32_t first, uint32_t frames,
		      enum page_owner owner)
{
	for (uint32_t i = 0; i < frames; i++) {
		if (os->owner[first + i] != owner)
			return false;
	}
	return true;
}

static uint32_t kernel_frames(const struct guest_os *os)
{
	uint64_t frames = GUEST_OS_KERNEL_BYTES >> os->machine->page_shift;

	return frames ? (uint32_t)frames : 1;
}

bool guest_os_take_kernel_memory(struct guest_os *os)
{
	uint32_t frames = kernel_frames(os);
	uint32_t places = os->machine->regions[0].frames - frames + 1;
	uint32_t start = rng_below(os->rng, places);

	guest_os_drop_kernel_memory(os);
	for (uint32_t i = 0; i < places; i++) {
		uint32_t first = (start + i) % places;

		if (!all_owned(os, first, frames, PAGE_FREE))
			continue;
		for (uint32_t j = 0; j < frames; j++) {
			oracle_touch(os->oracle, first + j);
			set_owner(os, first + j, PAGE_KERNEL);
		}
		os->kernel_first = first;
		os->has_kernel_memory = true;
		return true;
	}
	return false;
}

void guest_os_drop_kernel_memory(struct guest_os *os)
{
	if (!os->has_kernel_memory)
		return;
	for (uint32_t i = 0; i < kernel_frames(os); i++)
		set_owner(os, os->kernel_first + i, PAGE_FREE);
	os->has_kernel_memory = false;
}

bool guest_os_is_kernel_memory(const struct guest_os *os, uint64_t gpa, uint64_t len)
{
	uint64_t offset;

	if (!os->has_kernel_memory)
		return false;
	offset = gpa - machine_gpa(os->machine, os->kernel_first);
	return offset <= GUEST_OS_KERNEL_BYTES && len <= GUEST_OS_KERNEL_BYTES - offset;
}

void guest_os_use(struct guest_os *os, uint32_t frames)
{
	while (frames-- && os->count[PAGE_FREE])
		guest_os_use_frame(os, find_frame(os, PAGE_FREE));
}

void guest_os_free(struct guest_os *os, uint32_t frames)
{
	while (frames-- && os->count[PAGE_USED])
		free_frame(os, find_frame(os, PAGE_USED));
}

/* Whether the pages of a unit at @gpa are all there and free, or in the balloon
 * when @balloon; the unit may cross regions that touch. */
static bool unit_available(const struct guest_os *os, uint64_t gpa, uint32_t unit_pages,
			   bool balloon)
{
	for (uint32_t i = 0; i < unit_pages; i++) {
		uint32_t frame =
			machine_frame(os->machine, gpa + i * machine_page_bytes(os->machine));

		if (frame == MACHINE_NO_FRAME)
			return false;
		if (os->owner[frame] != PAGE_FREE && !(balloon && os->owner[frame] == PAGE_BALLOON))
			return false;
	}
	return true;
}

static uint32_t take_run(struct guest_os *os, uint64_t gpa, uint32_t unit_pages,
			 uint32_t most_units, enum page_owner owner)
{
	uint64_t page = machine_page_bytes(os->machine);
	uint32_t units = 0;

	while (units < most_units && unit_available(os, gpa, unit_pages, false)) {
		for (uint32_t i = 0; i < unit_pages; i++, gpa += page)
			set_owner(os, machine_frame(os->machine, gpa), owner);
		units++;
	}
	return units;
}

/* Take a run of free units from somewhere. */
static uint32_t take_somewhere(struct guest_os *os, uint32_t unit_pages, uint32_t most_units,
			       enum page_owner owner, uint64_t *gpa_out)
{
	uint64_t unit = unit_pages * machine_page_bytes(os->machine);
	uint32_t start = rng_below(os->rng, os->machine->frames);

	for (uint32_t i = 0; i < os->machine->frames && os->count[PAGE_FREE] >= unit_pages; i++) {
		uint32_t frame = (start + i) % os->machine->frames;
		uint64_t gpa = machine_gpa(os->machine, frame);
		uint32_t units;

		if (os->owner[frame] != PAGE_FREE || gpa % unit)
			continue;
		units = take_run(os, gpa, unit_pages, most_units, owner);
		if (units) {
			*gpa_out = gpa;
			return units;
		}
	}
	return 0;
}

uint32_t guest_os_inflate(struct guest_os *os, uint32_t unit_pages, uint32_t most_units,
			  uint64_t *gpa_out)
{
	return take_somewhere(os, unit_pages, most_units, PAGE_BALLOON, gpa_out);
}

uint32_t guest_os_isolate(struct guest_os *os, uint32_t unit_pages, uint32_t most_units,
			  uint64_t *gpa_out)
{
	return take_somewhere(os, unit_pages, most_units, PAGE_REPORTED, gpa_out);
}

void guest_os_return(struct guest_os *os, uint32_t frame)
{
	if (os->owner[frame] == PAGE_REPORTED)
		set_owner(os, frame, PAGE_FREE);
}

static bool is_zeros(const uint8_t *at, uint32_t len)
{
	while (len && !at[len - 1])
		len--;
	return !len;
}

/* Where anybody ever writes: at both ends. */
void guest_os_check_zeros(const struct guest_os *os, uint32_t frame)
{
	const uint8_t *page = machine_pointer(os->machine, frame);

	if (!is_zeros(page, ZEROS_LOOKED_AT) ||
	    !is_zeros(page + machine_page_bytes(os->machine) - ZEROS_LOOKED_AT, ZEROS_LOOKED_AT))
		trace_fail(os->trace, "%#" PRIx64 " came back without being zeros",
			   machine_gpa(os->machine, frame));
}

void guest_os_deflate(struct guest_os *os, uint32_t frame)
{
	if (os->owner[frame] != PAGE_BALLOON)
		trace_fail(os->trace, "the driver frees a page that it has not: %#" PRIx64,
			   machine_gpa(os->machine, frame));
	else
		set_owner(os, frame, PAGE_FREE);
}

void guest_os_deflate_all(struct guest_os *os)
{
	for (uint32_t frame = 0; frame < os->machine->frames; frame++) {
		if (os->owner[frame] == PAGE_BALLOON || os->owner[frame] == PAGE_REPORTED)
			set_owner(os, frame, PAGE_FREE);
	}
}

void guest_os_plug(struct guest_os *os, unsigned int region)
{
	const struct machine_region *it = &os->machine->regions[region];

	for (uint32_t i = 0; i < it->frames; i++)
		set_owner(os, it->first_frame + i, PAGE_FREE);
}

void guest_os_unplug(struct guest_os *os, unsigned int region)
{
	const struct machine_region *it = &os->machine->regions[region];

	for (uint32_t i = 0; i < it->frames; i++) {
		if (os->owner[it->first_frame + i] == PAGE_USED)
			guest_os_check_stamp(os, it->first_frame + i);
		set_owner(os, it->first_frame + i, PAGE_ABSENT);
	}
}

uint32_t guest_os_units(const struct guest_os *os, uint32_t unit_pages)
{
	uint64_t unit = unit_pages * machine_page_bytes(os->machine);
	uint32_t units = 0;

	for (uint32_t frame = 0; frame < os->machine->frames; frame++) {
		uint64_t gpa = machine_gpa(os->machine, frame);

		if (!(gpa % unit) && unit_available(os, gpa, unit_pages, true))
			units++;
	}
	return units;
}

void guest_os_check(const struct guest_os *os)
{
	for (uint32_t frame = 0; frame < os->machine->frames; frame++) {
		if (os->owner[frame] == PAGE_USED)
			guest_os_check_stamp(os, frame);
	}
}
