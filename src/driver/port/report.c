/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * REPORT: free memory that stays the guest's. A round goes through what is free, one
 * message after the other, and ends with REPORT_DONE when the device has asked for it.
 */
#include <errno.h>

#include "base/le.h"
#include "driver/port/core.h"

static void begin(struct vballoon_guest *guest, bool asked, uint64_t id)
{
	guest->report.active = true;
	guest->report.first = true;
	guest->report.asked = asked;
	guest->report.id = id;
	guest->report.left = vballoon_guest_pages_units(&guest->pages);
}

/* Keeps DRV-REPORT-6, DRV-REPORT-8. */
void vballoon_guest_report_requested(struct vballoon_guest *guest,
				     const struct virtio_memory_balloon_req *request)
{
	/* A newer round takes the place of one that is under way. */
	if (vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_REPORTING))
		begin(guest, true, vballoon_le64(request->value));
}

int vballoon_guest_report(struct vballoon_guest *guest)
{
	if (guest->life.state != VBALLOON_GUEST_RUNNING ||
	    !vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_REPORTING))
		return -EOPNOTSUPP;
	if (!guest->report.active)
		begin(guest, false, 0);
	return 0;
}

static void release(struct vballoon_guest *guest, uint64_t entry, bool zeroed)
{
	struct vballoon_entry run = vballoon_entry_decode(&guest->format, entry);

	guest->config.ops->free_done(guest->config.context, vballoon_gpa(run.gpa), run.units,
				     zeroed);
}

/* Take free runs aside, a message full at the most.
 * Keeps DRV-REPORT-2. */
static void fill(struct vballoon_guest *guest)
{
	struct vballoon_guest_report *report = &guest->report;
	uint64_t room = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX;
	struct vballoon_gpa gpa;

	report->count = 0;
	while (report->count < GUEST_ENTRIES && report->left && room) {
		uint64_t most = vballoon_entry_units_max(&guest->format), units;

		if (most > room)
			most = room;
		units = guest->config.ops->free_next(guest->config.context, report->first, most,
						     &gpa);
		report->first = false;
		if (!units)
			break;
		if (units > most || !vballoon_guest_is_givable(guest, gpa.value, units)) {
			guest->bad_pages += vballoon_guest_units_to_pages(guest, units);
			guest->config.ops->free_done(guest->config.context, gpa, units, false);
			break;
		}
		report->entries[report->count++] = vballoon_entry_encode(gpa.value, units);
		room -= units;
		/* What is freed meanwhile does not make a round endless. */
		report->left -= units < report->left ? units : report->left;
	}
}

/* Keeps DRV-REPORT-9. */
static void send(struct vballoon_guest *guest)
{
	const struct vballoon_guest_report *report = &guest->report;

	guest->shared->report.out = (struct virtio_memory_balloon_msg){
		.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT),
	};
	for (uint32_t i = 0; i < report->count; i++) {
		guest->shared->report.entries[i] = vballoon_le64(report->entries[i]);
		guest->shared->report.in[i] = VIRTIO_MEMORY_BALLOON_REFUSED;
	}
	vballoon_guest_send(guest, GUEST_REPORT, &guest->shared->report.out,
			    sizeof(guest->shared->report.out) + report->count * sizeof(__le64),
			    guest->shared->report.in, report->count);
}

/* Keeps DRV-REPORT-7. */
static void send_done(struct vballoon_guest *guest)
{
	guest->shared->report_done = (struct virtio_memory_balloon_report_done){
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE),
		.id = vballoon_le64(guest->report.id),
	};
	vballoon_guest_send(guest, GUEST_REPORT_DONE, &guest->shared->report_done,
			    sizeof(guest->shared->report_done), NULL, 0);
}

void vballoon_guest_report_step(struct vballoon_guest *guest)
{
	struct vballoon_guest_report *report = &guest->report;

	if (!report->active || guest->in_flight[GUEST_REPORT] ||
	    guest->in_flight[GUEST_REPORT_DONE] ||
	    (guest->takes_turns && guest->in_flight[GUEST_FIRST_ADD]))
		return;
	fill(guest);
	if (report->count) {
		send(guest);
		return;
	}
	report->active = false;
	if (report->asked)
		send_done(guest);
}

/* Keeps DRV-REPORT-1, DRV-REPORT-10, DRV-ZEROED-2. */
void vballoon_guest_report_answered(struct vballoon_guest *guest, unsigned int message,
				    uint32_t written)
{
	bool promised = vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_ZEROED);
	const volatile __u8 *verdicts = guest->shared->report.in;

	(void)message;
	for (uint32_t i = 0; i < guest->report.count; i++)
		release(guest, guest->report.entries[i],
			promised && i < written && verdicts[i] == VIRTIO_MEMORY_BALLOON_ACCEPTED);
}

void vballoon_guest_report_recall(struct vballoon_guest *guest)
{
	if (guest->in_flight[GUEST_REPORT])
		vballoon_guest_report_answered(guest, GUEST_REPORT, 0);
	guest->report = (struct vballoon_guest_report){ 0 };
}
