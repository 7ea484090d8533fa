/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deflateq: the device is told which pages the guest is going to use, and they are used when
 * it has answered, whether or not it insists on that. One message is in flight at the most, in
 * a buffer of its own. And the other way, for a device that need not be told.
 */
#include "driver/traditional/core.h"

/* How long somebody who is out of memory waits for the device. */
#define OOM_WAIT_MS 1000

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_running(const struct vballoon_traditional_guest *guest)
{
	return guest->life.state == VBALLOON_GUEST_RUNNING;
}

void vballoon_traditional_deflate_send(struct vballoon_traditional_guest *guest, uint64_t pages,
				       bool for_pressure)
{
	struct vballoon_traditional_message *message = &guest->deflate.message;
	uint64_t unit_pages = vballoon_traditional_unit_pages(guest);
	uint64_t left = least((pages + unit_pages - 1) / unit_pages,
			      vballoon_traditional_message_room(guest, message));
	size_t len;

	while (left) {
		uint64_t gpa, units = vballoon_traditional_pool_take(&guest->pool, left, &gpa);

		if (!units)
			break;
		vballoon_traditional_message_append(guest, message, gpa, units);
		left -= units;
	}
	if (!message->count)
		return;
	message->in_flight = true;
	guest->deflate.for_pressure = for_pressure;
	guest->deflate.wait_until_ms = 0;
	len = vballoon_traditional_message_write(guest, message, guest->shared->deflate);
	vballoon_decide_withdraw_sent(&guest->decide, message->count * unit_pages);
	vballoon_traditional_send(guest, VIRTIO_BALLOON_VQ_DEFLATE, guest->shared->deflate, len, 0);
}

static void give_back(struct vballoon_traditional_guest *guest, uint64_t gpa, uint64_t units)
{
	guest->config.ops->return_page(guest->config.context, vballoon_gpa(gpa), units,
				       VBALLOON_GUEST_HANDED_BACK);
}

void vballoon_traditional_deflate_answered(struct vballoon_traditional_guest *guest, uint64_t token)
{
	struct vballoon_traditional_deflate *deflate = &guest->deflate;
	uint64_t pages = deflate->message.count * vballoon_traditional_unit_pages(guest);

	(void)token;
	deflate->wanted -= least(pages, deflate->wanted);
	deflate->returned += pages;
	deflate->late = false;
	vballoon_decide_withdraw_answered(&guest->decide, pages,
					  deflate->for_pressure ? VBALLOON_DECIDE_FOR_PRESSURE : 0,
					  guest->life.now_ms);
	vballoon_traditional_message_empty(guest, &deflate->message, give_back);
}

/* Have @pages back because memory is short, as far as they may be had. */
static void send_for_pressure(struct vballoon_traditional_guest *guest, uint64_t pages)
{
	uint64_t spare =
		vballoon_traditional_spare_units(guest) * vballoon_traditional_unit_pages(guest);

	vballoon_traditional_deflate_send(guest, least(pages, spare), true);
}

void vballoon_traditional_deflate_wanted(struct vballoon_traditional_guest *guest)
{
	struct vballoon_traditional_deflate *deflate = &guest->deflate;

	if (!deflate->wanted || deflate->message.in_flight)
		return;
	send_for_pressure(guest, deflate->wanted);
	/* What is not there now is not waited for. */
	if (!deflate->message.in_flight)
		deflate->wanted = 0;
}

static void keep(struct vballoon_traditional_guest *guest, uint64_t gpa, uint64_t units)
{
	vballoon_traditional_pool_put(&guest->pool, gpa, units);
}

void vballoon_traditional_deflate_recall(struct vballoon_traditional_guest *guest)
{
	vballoon_traditional_message_empty(guest, &guest->deflate.message, keep);
}

void vballoon_traditional_guest_pressure(struct vballoon_traditional_guest *guest, uint64_t pages,
					 uint64_t now_ms)
{
	guest->life.now_ms = now_ms;
	if (!is_running(guest))
		return;
	vballoon_decide_pressure(&guest->decide, now_ms);
	if (guest->deflate.wanted < pages)
		guest->deflate.wanted = pages;
}

/* Take what is there for whoever is out of memory: answers that have come, and what the device
 * has no part in because it is reset, until there are @pages. */
static void collect(struct vballoon_traditional_guest *guest, uint64_t pages)
{
	uint64_t before = guest->deflate.returned;
	bool more;

	guest->life.inside = true;
	if (is_running(guest))
		vballoon_traditional_answers_poll(guest);
	more = !is_running(guest);
	/* Pages that lie by themselves make many steps. */
	while (more)
		more = vballoon_guest_life_return_kept(&guest->life) &&
		       guest->deflate.returned - before < pages;
	guest->life.inside = false;
}

bool vballoon_traditional_guest_oom(struct vballoon_traditional_guest *guest, uint64_t pages,
				    uint64_t now_ms)
{
	struct vballoon_traditional_deflate *deflate = &guest->deflate;
	uint64_t before = deflate->returned, came;

	if (guest->life.inside)
		return false;
	guest->life.now_ms = now_ms;
	collect(guest, pages);
	came = deflate->returned - before;
	if (!is_running(guest))
		return false;
	vballoon_decide_pressure(&guest->decide, now_ms);
	if (came >= pages)
		return false;
	/* One that is on its way is as good as one of our own. */
	if (!deflate->message.in_flight) {
		send_for_pressure(guest, pages - came);
		if (!is_running(guest))
			return false;
		vballoon_traditional_queues_settle(guest);
	}
	/* Whoever comes later does not make those wait longer who are here. */
	if (!deflate->wait_until_ms)
		deflate->wait_until_ms = now_ms + OOM_WAIT_MS;
	return deflate->message.in_flight && !deflate->late;
}

bool vballoon_traditional_guest_oom_waits(struct vballoon_traditional_guest *guest, uint64_t now_ms)
{
	struct vballoon_traditional_deflate *deflate = &guest->deflate;
	uint64_t asked = deflate->message.count * vballoon_traditional_unit_pages(guest);

	if (guest->life.inside)
		return false;
	guest->life.now_ms = now_ms;
	/* When the device is reset, what it was told of is there. */
	collect(guest, asked);
	/* One that nobody waits for is newer than the one that was waited for. */
	if (!is_running(guest) || !deflate->message.in_flight || !deflate->wait_until_ms)
		return false;
	vballoon_traditional_queues_settle(guest);
	if (now_ms < deflate->wait_until_ms)
		return true;
	deflate->late = true;
	return false;
}

/* Whatever the driver is doing meanwhile, a page that leaves the pool here is nobody else's. Two who
 * take at the same moment may have more than is to spare. */
uint64_t vballoon_traditional_guest_take(struct vballoon_traditional_guest *guest, uint64_t most,
					 struct vballoon_gpa *gpa_out)
{
	uint64_t spare = vballoon_traditional_spare_units(guest), units;

	if (!vballoon_traditional_has(guest, VIRTIO_BALLOON_F_SILENT_DEFLATE) || !spare)
		return 0;
	units = vballoon_traditional_pool_take(&guest->pool, least(most, spare), &gpa_out->value);
	if (units)
		__atomic_fetch_add(&guest->taken,
				   (uint32_t)(units * vballoon_traditional_unit_pages(guest)),
				   __ATOMIC_RELAXED);
	return units;
}

void vballoon_traditional_deflate_absorb(struct vballoon_traditional_guest *guest)
{
	uint32_t taken = __atomic_load_n(&guest->taken, __ATOMIC_RELAXED) - guest->taken_seen;

	if (!taken)
		return;
	guest->taken_seen += taken;
	guest->taken_ever += taken;
	vballoon_decide_taken(&guest->decide, taken);
	vballoon_decide_pressure(&guest->decide, guest->life.now_ms);
}
