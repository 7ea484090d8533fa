/* SPDX-License-Identifier: BSD-3-Clause */
/* ADD: memory goes into the balloon. */
#include "base/le.h"
#include "driver/port/core.h"

/* Units that a block may have to find room as entries. */
static uint64_t room(const struct vballoon_guest *guest, const struct vballoon_guest_add *add)
{
	return guest->format.runs ? vballoon_entry_units_max(&guest->format)
				  : GUEST_ENTRIES - add->count;
}

/* Let the last entry grow by a block at either end of it. */
static bool grow(const struct vballoon_guest *guest, struct vballoon_guest_add *add, uint64_t gpa,
		 uint64_t units)
{
	struct vballoon_entry last;

	if (!add->count)
		return false;
	last = vballoon_entry_decode(&guest->format, add->entries[add->count - 1]);
	if (last.units + units > vballoon_entry_units_max(&guest->format))
		return false;
	if (gpa + (units << guest->format.unit_shift) != last.gpa) {
		if (last.gpa + (last.units << guest->format.unit_shift) != gpa)
			return false;
		gpa = last.gpa;
	}
	add->entries[add->count - 1] = vballoon_entry_encode(gpa, last.units + units);
	return true;
}

/* Keeps DRV-RUNS-2, DRV-RUNS-3. */
static void append(struct vballoon_guest *guest, struct vballoon_guest_add *add, uint64_t gpa,
		   uint64_t units)
{
	add->units += units;
	if (grow(guest, add, gpa, units))
		return;
	while (units) {
		uint64_t most = vballoon_entry_units_max(&guest->format);
		uint64_t part = units < most ? units : most;

		add->entries[add->count++] = vballoon_entry_encode(gpa, part);
		gpa += part << guest->format.unit_shift;
		units -= part;
	}
}

/* Keeps DRV-RING-3, DRV-ADD-2, DRV-ADD-3. */
bool vballoon_guest_is_givable(const struct vballoon_guest *guest, uint64_t gpa, uint64_t units)
{
	uint64_t shared = guest->config.shared_gpa.value, end;

	return vballoon_is_aligned(gpa, guest->format.unit_shift) &&
	       vballoon_guest_pages_are_free(&guest->pages, gpa, units) &&
	       vballoon_add(gpa, units << guest->format.unit_shift, &end) &&
	       (end <= shared || gpa >= shared + VBALLOON_GUEST_SHARED_BYTES);
}

/* Take a block from the guest: units, or 0. */
static uint64_t get(struct vballoon_guest *guest, uint64_t most, uint64_t *gpa_out)
{
	struct vballoon_gpa gpa = { 0 };
	uint64_t units = guest->config.ops->get_page(guest->config.context, most, &gpa);

	if (!units)
		return 0;
	*gpa_out = gpa.value;
	if (units <= most && vballoon_guest_is_givable(guest, gpa.value, units))
		return units;
	guest->bad_pages += vballoon_guest_units_to_pages(guest, units);
	vballoon_guest_give_back(guest, gpa.value, units, VBALLOON_GUEST_REFUSED);
	return 0;
}

/* What is kept goes first. False: memory is short. */
static bool fill(struct vballoon_guest *guest, struct vballoon_guest_add *add, uint64_t units)
{
	add->kept = vballoon_guest_pages_any_kept(&guest->pages);
	/* A block that fills a gap needs no entry, so that the entries do not bound the calls. */
	for (unsigned int i = 0; i < GUEST_ENTRIES; i++) {
		uint64_t most = units - add->units, found, gpa;

		if (!most || add->count == GUEST_ENTRIES)
			break;
		if (most > room(guest, add))
			most = room(guest, add);
		found = add->kept ? vballoon_guest_pages_next_kept(&guest->pages, most, &gpa)
				  : get(guest, most, &gpa);
		if (!found)
			return add->kept;
		append(guest, add, gpa, found);
	}
	return true;
}

/* Keeps DRV-MSG-1, DRV-MSG-2, DRV-ADD-5. */
static void send(struct vballoon_guest *guest, unsigned int index)
{
	const struct vballoon_guest_add *add = &guest->adds[index];

	guest->shared->adds[index].out = (struct virtio_memory_balloon_msg){
		.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD),
	};
	for (uint32_t i = 0; i < add->count; i++) {
		guest->shared->adds[index].entries[i] = vballoon_le64(add->entries[i]);
		guest->shared->adds[index].in[i] = (__u8)~VIRTIO_MEMORY_BALLOON_ACCEPTED;
	}
	vballoon_decide_add_sent(&guest->decide, vballoon_guest_units_to_pages(guest, add->units));
	vballoon_guest_send(guest, GUEST_FIRST_ADD + index, &guest->shared->adds[index].out,
			    sizeof(guest->shared->adds[index].out) + add->count * sizeof(__le64),
			    guest->shared->adds[index].in, add->count);
}

/* Keeps DRV-MSG-3, DRV-ADD-7, DRV-ADD-8. */
bool vballoon_guest_add_send(struct vballoon_guest *guest, uint64_t pages)
{
	uint64_t units = vballoon_guest_pages_to_units(guest, pages);
	unsigned int index = 0;
	struct vballoon_guest_add *add;

	if (guest->takes_turns && guest->in_flight[GUEST_REPORT])
		return false;
	while (index < guest->adds_max && guest->in_flight[GUEST_FIRST_ADD + index])
		index++;
	if (index == guest->adds_max)
		return false;
	add = &guest->adds[index];
	add->count = 0;
	add->units = 0;
	if (!fill(guest, add, units < guest->add_units ? units : guest->add_units))
		vballoon_decide_no_memory(&guest->decide, guest->life.now_ms);
	if (add->count)
		send(guest, index);
	return true;
}

/* Keeps DRV-MSG-4, DRV-ADD-6. */
bool vballoon_guest_verdicts_read(const volatile __u8 *shared, uint32_t count, uint32_t written,
				  uint8_t *verdicts)
{
	if (written < count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		verdicts[i] = shared[i];
		if (verdicts[i] > VIRTIO_MEMORY_BALLOON_ACCEPTED)
			return false;
	}
	return true;
}

/* Keeps DRV-ADD-4, DRV-ADD-9. */
void vballoon_guest_add_answered(struct vballoon_guest *guest, unsigned int message,
				 uint32_t written)
{
	unsigned int index = message - GUEST_FIRST_ADD;
	struct vballoon_guest_add *add = &guest->adds[index];
	enum vballoon_guest_cause refused =
		add->kept ? VBALLOON_GUEST_TAKEN_BACK : VBALLOON_GUEST_REFUSED;
	uint8_t verdicts[GUEST_ENTRIES];
	uint64_t accepted = 0;

	/* A page whose verdict is in doubt must not be used: only a reset helps. */
	if (!vballoon_guest_verdicts_read(guest->shared->adds[index].in, add->count, written,
					  verdicts)) {
		guest->in_flight[message] = true;
		vballoon_guest_fail(guest, VBALLOON_GUEST_ADD_VERDICT);
		return;
	}
	for (uint32_t i = 0; i < add->count; i++) {
		struct vballoon_entry entry =
			vballoon_entry_decode(&guest->format, add->entries[i]);

		if (verdicts[i] == VIRTIO_MEMORY_BALLOON_ACCEPTED) {
			vballoon_guest_pages_hold(&guest->pages, entry.gpa, entry.units);
			accepted += entry.units;
		} else {
			vballoon_guest_give_back(guest, entry.gpa, entry.units, refused);
		}
	}
	vballoon_decide_add_answered(
		&guest->decide, vballoon_guest_units_to_pages(guest, add->units),
		vballoon_guest_units_to_pages(guest, accepted), guest->life.now_ms);
}

void vballoon_guest_adds_recall(struct vballoon_guest *guest)
{
	for (unsigned int index = 0; index < GUEST_ADDS; index++) {
		const struct vballoon_guest_add *add = &guest->adds[index];

		if (!guest->in_flight[GUEST_FIRST_ADD + index])
			continue;
		for (uint32_t i = 0; i < add->count; i++) {
			struct vballoon_entry entry =
				vballoon_entry_decode(&guest->format, add->entries[i]);

			vballoon_guest_pages_hold(&guest->pages, entry.gpa, entry.units);
		}
	}
}
