/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EXCHANGE: the guest has a page moved, or takes one that it chooses. One message is
 * in flight at the most.
 */
#include <errno.h>

#include "base/le.h"
#include "driver/port/core.h"

static uint64_t end_of(const struct vballoon_guest *guest, struct vballoon_gpa gpa, uint64_t units)
{
	return gpa.value + (units << guest->format.unit_shift);
}

static bool gives(const struct vballoon_guest_pair *pair)
{
	return pair->give.value != VBALLOON_GUEST_NOTHING;
}

static bool overlap(const struct vballoon_guest *guest, struct vballoon_gpa a, uint64_t a_units,
		    struct vballoon_gpa b, uint64_t b_units)
{
	return a.value < end_of(guest, b, b_units) && b.value < end_of(guest, a, a_units);
}

/* Whether a pair is sound by itself.
 * Keeps DRV-EXCHANGE-1, DRV-EXCHANGE-5. */
static bool is_pair(const struct vballoon_guest *guest, const struct vballoon_guest_pair *pair)
{
	return pair->units && pair->units <= vballoon_entry_units_max(&guest->format) &&
	       vballoon_is_aligned(pair->take.value, guest->format.unit_shift) &&
	       vballoon_guest_pages_are_held(&guest->pages, pair->take.value, pair->units) &&
	       (!gives(pair) || vballoon_guest_is_givable(guest, pair->give.value, pair->units));
}

/* And beside those before it: no page is named twice. */
static bool is_apart(const struct vballoon_guest *guest, const struct vballoon_guest_pair *pairs,
		     unsigned int index)
{
	const struct vballoon_guest_pair *pair = &pairs[index];

	for (unsigned int i = 0; i < index; i++) {
		if (overlap(guest, pair->take, pair->units, pairs[i].take, pairs[i].units) ||
		    (gives(pair) && gives(&pairs[i]) &&
		     overlap(guest, pair->give, pair->units, pairs[i].give, pairs[i].units)))
			return false;
	}
	return true;
}

/* Keeps DRV-FEAT-5, DRV-MSG-3, DRV-EXCHANGE-4. */
int vballoon_guest_exchange(struct vballoon_guest *guest, const struct vballoon_guest_pair *pairs,
			    unsigned int count)
{
	struct vballoon_guest_exchange *exchange = &guest->exchange;
	uint64_t units = 0;

	if (guest->life.state != VBALLOON_GUEST_RUNNING ||
	    !vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_EXCHANGE))
		return -EOPNOTSUPP;
	if (!vballoon_guest_may_send(guest) || guest->in_flight[GUEST_EXCHANGE] ||
	    vballoon_guest_pages_any_kept(&guest->pages) || guest->life.inside)
		return -EAGAIN;
	if (!count || count > VBALLOON_GUEST_PAIRS)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		if (!is_pair(guest, &pairs[i]) || !is_apart(guest, pairs, i))
			return -EINVAL;
		units += pairs[i].units;
	}
	if (units > VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX)
		return -EINVAL;
	exchange->count = count;
	guest->shared->exchange.out = (struct virtio_memory_balloon_msg){
		.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE),
	};
	for (unsigned int i = 0; i < count; i++) {
		uint64_t give = gives(&pairs[i])
					? vballoon_entry_encode(pairs[i].give.value, pairs[i].units)
					: VIRTIO_MEMORY_BALLOON_GIVE_NOTHING;

		exchange->pairs[i] = pairs[i];
		guest->shared->exchange.pairs[i] = (struct virtio_memory_balloon_pair){
			vballoon_le64(give),
			vballoon_le64(vballoon_entry_encode(pairs[i].take.value, pairs[i].units)),
		};
		guest->shared->exchange.in[i] = (__u8)~VIRTIO_MEMORY_BALLOON_ACCEPTED;
	}
	vballoon_guest_send(guest, GUEST_EXCHANGE, &guest->shared->exchange.out,
			    sizeof(guest->shared->exchange.out) +
				    count * sizeof(guest->shared->exchange.pairs[0]),
			    guest->shared->exchange.in, count);
	return 0;
}

static void tell(struct vballoon_guest *guest, unsigned int index,
		 enum vballoon_guest_outcome outcome)
{
	guest->config.ops->exchanged(guest->config.context, &guest->exchange.pairs[index], outcome);
}

/* Keeps DRV-EXCHANGE-2, DRV-EXCHANGE-3, DRV-EXCHANGE-7. */
void vballoon_guest_exchange_answered(struct vballoon_guest *guest, unsigned int message,
				      uint32_t written)
{
	struct vballoon_guest_exchange *exchange = &guest->exchange;
	uint8_t verdicts[VBALLOON_GUEST_PAIRS];

	if (!vballoon_guest_verdicts_read(guest->shared->exchange.in, exchange->count, written,
					  verdicts)) {
		guest->in_flight[message] = true;
		vballoon_guest_fail(guest, VBALLOON_GUEST_EXCHANGE_VERDICT);
		return;
	}
	for (unsigned int i = 0; i < exchange->count; i++) {
		const struct vballoon_guest_pair *pair = &exchange->pairs[i];
		bool swapped = verdicts[i] == VIRTIO_MEMORY_BALLOON_ACCEPTED;

		/* It may have been handed back meanwhile; then it has two owners. */
		if (swapped &&
		    !vballoon_guest_pages_take(&guest->pages, pair->take.value, pair->units)) {
			exchange->told = i;
			guest->in_flight[message] = true;
			vballoon_guest_fail(guest, VBALLOON_GUEST_EXCHANGE_NOT_HELD);
			return;
		}
		if (swapped && gives(pair))
			vballoon_guest_pages_hold(&guest->pages, pair->give.value, pair->units);
		else if (swapped)
			vballoon_decide_taken(&guest->decide,
					      vballoon_guest_units_to_pages(guest, pair->units));
		tell(guest, i, swapped ? VBALLOON_GUEST_SWAPPED : VBALLOON_GUEST_NOT_SWAPPED);
	}
}

void vballoon_guest_exchange_recall(struct vballoon_guest *guest)
{
	if (!guest->in_flight[GUEST_EXCHANGE])
		return;
	for (unsigned int i = guest->exchange.told; i < guest->exchange.count; i++)
		tell(guest, i, VBALLOON_GUEST_UNDONE);
	guest->exchange.told = 0;
}
