/* SPDX-License-Identifier: BSD-3-Clause */
/* reporting_vq: free memory is named to the device, and used again when it has answered. */
#include <errno.h>

#include "driver/traditional/core.h"

/* A descriptor has a length of 32 bits. */
#define BLOCK_BYTES_MAX (UINT64_C(1) << 30)
/* And a chain has no more bytes than that (virtio 1.3, 2.7.5.2). */
#define REPORT_BYTES_MAX (UINT64_C(1) << 32)

int vballoon_traditional_guest_report(struct vballoon_traditional_guest *guest)
{
	struct vballoon_traditional_report *report = &guest->report;

	if (guest->life.state != VBALLOON_GUEST_RUNNING ||
	    !vballoon_traditional_has(guest, VIRTIO_BALLOON_F_REPORTING))
		return -EOPNOTSUPP;
	if (report->active)
		return 0;
	report->active = report->first = true;
	report->left = 0;
	for (unsigned int i = 0; i < guest->config.range_count; i++)
		report->left += guest->config.ranges[i].size.value >> guest->config.unit_shift;
	return 0;
}

/* Take free memory aside, as much as a chain can name. */
static void fill(struct vballoon_traditional_guest *guest)
{
	struct vballoon_traditional_report *report = &guest->report;
	const struct vballoon_traditional_guest_ops *ops = guest->config.ops;
	unsigned int descriptors = guest->rings[VIRTIO_BALLOON_VQ_REPORTING].ring.size;
	uint64_t room = REPORT_BYTES_MAX >> guest->config.unit_shift;

	while (report->count < descriptors && report->left && room) {
		uint64_t most = BLOCK_BYTES_MAX >> guest->config.unit_shift, units;
		struct vballoon_gpa gpa = { 0 };

		if (most > room)
			most = room;
		units = ops->free_next(guest->config.context, report->first, most, &gpa);
		report->first = false;
		if (!units)
			break;
		if (units > most || !vballoon_traditional_is_givable(guest, gpa.value, units)) {
			guest->bad_pages += units * vballoon_traditional_unit_pages(guest);
			ops->free_done(guest->config.context, gpa, units, false);
			break;
		}
		report->blocks[report->count].gpa = gpa;
		report->blocks[report->count++].units = units;
		room -= units;
		/* What is freed meanwhile does not make a round endless. */
		report->left -= units < report->left ? units : report->left;
	}
}

void vballoon_traditional_report_step(struct vballoon_traditional_guest *guest)
{
	struct vballoon_traditional_report *report = &guest->report;
	struct vballoon_driver_buffer buffers[TRADITIONAL_BLOCKS];

	if (!report->active || report->in_flight)
		return;
	fill(guest);
	report->active = report->count != 0;
	if (!report->active)
		return;
	for (unsigned int i = 0; i < report->count; i++)
		buffers[i] = (struct vballoon_driver_buffer){
			report->blocks[i].gpa,
			(uint32_t)(report->blocks[i].units << guest->config.unit_shift), true
		};
	report->in_flight = true;
	vballoon_traditional_post(guest, VIRTIO_BALLOON_VQ_REPORTING, buffers, report->count, 0);
}

void vballoon_traditional_report_answered(struct vballoon_traditional_guest *guest, uint64_t token)
{
	struct vballoon_traditional_report *report = &guest->report;

	(void)token;
	report->in_flight = false;
	while (report->count) {
		report->count--;
		guest->config.ops->free_done(guest->config.context,
					     report->blocks[report->count].gpa,
					     report->blocks[report->count].units, false);
	}
}

void vballoon_traditional_report_recall(struct vballoon_traditional_guest *guest)
{
	vballoon_traditional_report_answered(guest, 0);
	guest->report.active = false;
}
