// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which guest speaks, and through which queue.
 *
 * This driver says no HELLO, but it has a place in its queues: a driver that was reset
 * begins them anew, one that goes on does so where it was. So the record is kept only
 * for a driver that resumes both of the queues which every driver has at exactly the
 * places where they were left, one of them not at its beginning. A guest that was
 * paused just there, after the index of each has come round, is taken for a new one,
 * which loses nothing but the account of its balloon: what was dropped stays so until the
 * guest touches it, and a page that it takes back is merely not on the record.
 *
 * The standard gives every queue a number of its own; Linux and QEMU number those that
 * were negotiated without a gap. Where the two differ, the queues that run tell.
 */
#include "base/le.h"
#include "device/traditional/traditional.h"

void vballoon_trad_queue_started(struct vballoon_device *device, unsigned int index, uint32_t next)
{
	struct vballoon_traditional *trad = &device->traditional;

	if (index > VIRTIO_BALLOON_VQ_DEFLATE)
		return;
	if (trad->places[index] == VBALLOON_PLACE_LEFT && trad->left_at[index] == next) {
		trad->places[index] = VBALLOON_PLACE_RESUMED;
		return;
	}
	trad->places[index] = VBALLOON_PLACE_ANEW;
	trad->begun_elsewhere &= ~(1U << index);
	if (next != vballoon_device_queue_first(device))
		trad->begun_elsewhere |= 1U << index;
}

/* Nobody has stopped it: who it was before, it is. */
void vballoon_trad_queue_recovered(struct vballoon_device *device, unsigned int index,
				   uint32_t next)
{
	struct vballoon_traditional *trad = &device->traditional;

	if (index > VIRTIO_BALLOON_VQ_DEFLATE || trad->places[index] == VBALLOON_PLACE_ANEW)
		return;
	trad->places[index] = device->proof == VBALLOON_RECORD_PROVEN ? VBALLOON_PLACE_KEPT
								      : VBALLOON_PLACE_RESUMED;
	trad->left_at[index] = next;
}

/* What was resumed and then not heard from is where it was. */
void vballoon_trad_queue_stopped(struct vballoon_device *device, unsigned int index, uint32_t next)
{
	struct vballoon_traditional *trad = &device->traditional;

	if (index > VIRTIO_BALLOON_VQ_DEFLATE || trad->places[index] == VBALLOON_PLACE_ANEW)
		return;
	trad->places[index] = VBALLOON_PLACE_LEFT;
	trad->left_at[index] = next;
}

enum {
	AT_LEFT_AT = 0, /* u32, of inflateq, then of deflateq */
	AT_ACTUAL = 8, /* u32, as the driver wrote it */
	AT_POISON_VAL = 12, /* likewise */
	AT_DRIVERS = 16, /* u64 */
	AT_ROUND = 24, /* u32 */
	AT_BITS = 28, /* u32 */
};

#define OWN_ANEW(index) (1U << (index)) /* that queue has begun anew, and nobody has spoken */
#define OWN_HINTS_DONE (1U << 2)
#define OWN_ACTUAL_TOLD (1U << 3)
#define OWN_BEGUN_ELSEWHERE_SHIFT 4 /* two bits */
#define OWN_BITS_KNOWN ((1U << 6) - 1) /* all of them */

/* Where the queues were left is what tells the driver that goes on from another. */
void vballoon_trad_own_save(const struct vballoon_device *device, uint8_t *own)
{
	const struct vballoon_traditional *trad = &device->traditional;
	uint32_t bits = 0;

	if (trad->hints_done)
		bits |= OWN_HINTS_DONE;
	if (trad->actual_told)
		bits |= OWN_ACTUAL_TOLD;
	bits |= trad->begun_elsewhere << OWN_BEGUN_ELSEWHERE_SHIFT;
	for (unsigned int i = 0; i <= VIRTIO_BALLOON_VQ_DEFLATE; i++) {
		vballoon_saved_store32(own + AT_LEFT_AT + i * sizeof(trad->left_at[i]),
				       trad->left_at[i]);
		if (trad->places[i] == VBALLOON_PLACE_ANEW)
			bits |= OWN_ANEW(i);
	}
	vballoon_saved_store32(own + AT_ACTUAL, vballoon_le32(trad->actual));
	vballoon_saved_store32(own + AT_POISON_VAL, vballoon_le32(trad->poison_val));
	vballoon_saved_store64(own + AT_DRIVERS, trad->drivers);
	vballoon_saved_store32(own + AT_ROUND, trad->round);
	vballoon_saved_store32(own + AT_BITS, bits);
}

bool vballoon_trad_own_makes_sense(const uint8_t *own)
{
	return !(vballoon_saved_load32(own + AT_BITS) & ~OWN_BITS_KNOWN);
}

void vballoon_trad_own_load(struct vballoon_device *device, const uint8_t *own)
{
	struct vballoon_traditional *trad = &device->traditional;
	uint32_t bits = vballoon_saved_load32(own + AT_BITS);

	for (unsigned int i = 0; i <= VIRTIO_BALLOON_VQ_DEFLATE; i++) {
		trad->left_at[i] =
			vballoon_saved_load32(own + AT_LEFT_AT + i * sizeof(trad->left_at[i]));
		trad->places[i] = bits & OWN_ANEW(i) ? VBALLOON_PLACE_ANEW : VBALLOON_PLACE_LEFT;
	}
	trad->actual = vballoon_le32(vballoon_saved_load32(own + AT_ACTUAL));
	/* A state that was saved before there was this bit has its value alone. */
	trad->actual_told = bits & OWN_ACTUAL_TOLD || trad->actual;
	trad->poison_val = vballoon_le32(vballoon_saved_load32(own + AT_POISON_VAL));
	trad->begun_elsewhere = bits >> OWN_BEGUN_ELSEWHERE_SHIFT & 3;
	trad->drivers = vballoon_saved_load64(own + AT_DRIVERS);
	trad->round = vballoon_saved_load32(own + AT_ROUND);
	trad->hints_done = bits & OWN_HINTS_DONE;
	trad->stats_seen = false;
	trad->stats_due_ms = device->now_ms;
}

static bool goes_on(const struct vballoon_device *device)
{
	const struct vballoon_traditional *trad = &device->traditional;
	uint32_t first = vballoon_device_queue_first(device);
	bool moved = false;

	if (device->proof == VBALLOON_RECORD_NONE)
		return false;
	for (unsigned int i = 0; i <= VIRTIO_BALLOON_VQ_DEFLATE; i++) {
		if (trad->places[i] == VBALLOON_PLACE_ANEW)
			return false;
		moved |= trad->places[i] == VBALLOON_PLACE_KEPT || trad->left_at[i] != first;
	}
	return moved;
}

/* A driver that the record does not know: begin an empty one. */
static void begin_record(struct vballoon_device *device)
{
	struct vballoon_traditional *trad = &device->traditional;

	if (vballoon_held_count(device))
		device->counters.resets_seen++;
	vballoon_device_forget(device);
	trad->actual_told = false;
	device->pace.asked = 0;
	trad->actual = 0; /* the poison it may have written before its queues began */
	trad->stats_seen = false;
	trad->stats_due_ms = device->now_ms;
	trad->round = 0;
	trad->hints_done = false;
	/* By the time, so that what another device has counted is not counted again. */
	trad->drivers = trad->drivers < device->now_ms ? device->now_ms : trad->drivers + 1;
	device->journal->record.epoch = trad->drivers;
	device->journal->record.unit_shift = VIRTIO_BALLOON_PFN_SHIFT;
	vballoon_journal_step(device);
	device->journal->record.valid = 1;
	vballoon_journal_step(device);
	device->counters.hellos++;
	vballoon_device_ask(device);
}

bool vballoon_trad_is_attended(struct vballoon_device *device)
{
	struct vballoon_traditional *trad = &device->traditional;
	enum vballoon_violation violation;

	if (device->violation || !device->rings[VIRTIO_BALLOON_VQ_INFLATE].running ||
	    !device->rings[VIRTIO_BALLOON_VQ_DEFLATE].running)
		return false;
	if (device->proof == VBALLOON_RECORD_PROVEN)
		return true;
	if (!goes_on(device))
		begin_record(device);
	trad->places[VIRTIO_BALLOON_VQ_INFLATE] = VBALLOON_PLACE_KEPT;
	trad->places[VIRTIO_BALLOON_VQ_DEFLATE] = VBALLOON_PLACE_KEPT;
	violation = vballoon_device_prove(device);
	/* Before the first of its messages is answered. */
	vballoon_journal_keep(device);
	if (violation)
		vballoon_device_violate(device, VIRTIO_BALLOON_VQ_INFLATE, violation);
	return !violation;
}

/* The feature that a queue belongs to; 0: every driver has it. */
static uint64_t feature_of(unsigned int role)
{
	static const uint64_t features[VIRTIO_BALLOON_VQ_MAX] = {
		[VIRTIO_BALLOON_VQ_STATS] = VBALLOON_TRAD(STATS_VQ),
		[VIRTIO_BALLOON_VQ_FREE_PAGE] = VBALLOON_TRAD(FREE_PAGE_HINT),
		[VIRTIO_BALLOON_VQ_REPORTING] = VBALLOON_TRAD(REPORTING),
	};

	return features[role];
}

static bool has_queue(const struct vballoon_device *device, unsigned int role)
{
	return !feature_of(role) || vballoon_device_has(device, feature_of(role));
}

static unsigned int dense_index(const struct vballoon_device *device, unsigned int role)
{
	unsigned int index = 0;

	for (unsigned int before = 0; before < role; before++)
		index += has_queue(device, before);
	return index;
}

static unsigned int index_in(const struct vballoon_device *device, unsigned int role, bool dense)
{
	return dense ? dense_index(device, role) : role;
}

/* Whether every queue that the driver has runs, if it is that which numbers them. */
static bool all_run(const struct vballoon_device *device, bool dense)
{
	for (unsigned int role = 0; role < VIRTIO_BALLOON_VQ_MAX; role++) {
		if (has_queue(device, role) &&
		    !device->rings[index_in(device, role, dense)].running)
			return false;
	}
	return true;
}

unsigned int vballoon_trad_queue(const struct vballoon_device *device, unsigned int role)
{
	if (!has_queue(device, role))
		return VBALLOON_TRAD_NONE;
	if (dense_index(device, role) == role || all_run(device, false))
		return role;
	return all_run(device, true) ? dense_index(device, role) : VBALLOON_TRAD_NONE;
}
