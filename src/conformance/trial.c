/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conformance/kind.h"

/* Pages of the first region's part of the balloon, and of the other regions and the hole.
 * Most of them are never touched, so that huge ones cost nothing. */
#define PAGES UINT64_C(16640) /* 65 MiB with the smallest: 64 times that are over 4 GiB */
#define SIDE_PAGES UINT64_C(64)
/* The same of a guest in large host pages, of which the first HUGE_THERE are there. */
#define HUGE_PAGES UINT64_C(4)
#define HUGE_SIDE UINT64_C(1)
#define HUGE_THERE 5
#define HIGH (UINT64_C(1) << 43) /* where a page's number has bit 31 */

#define PROTOCOL_WANTED                                                                            \
	(VBALLOON_BIT(VHOST_USER_PROTOCOL_F_MQ) | VBALLOON_BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) |  \
	 VBALLOON_BIT(VHOST_USER_PROTOCOL_F_BACKEND_REQ) |                                         \
	 VBALLOON_BIT(VHOST_USER_PROTOCOL_F_CONFIG) |                                              \
	 VBALLOON_BIT(VHOST_USER_PROTOCOL_F_LOG_SHMFD) |                                           \
	 VBALLOON_BIT(VHOST_USER_PROTOCOL_F_RESET_DEVICE) |                                        \
	 VBALLOON_BIT(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS) |                                 \
	 VBALLOON_BIT(VHOST_USER_PROTOCOL_F_STATUS))

void vballoon_trial_end(struct vballoon_trial *trial, enum vballoon_outcome outcome,
			const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(trial->why, sizeof(trial->why), format, args);
	va_end(args);
	trial->outcome = outcome;
	longjmp(trial->ended, 1);
}

void vballoon_trial_check(struct vballoon_trial *trial, int ret, const char *what)
{
	if (ret >= 0)
		return;
	if (ret == -EAGAIN)
		vballoon_trial_end(trial, VBALLOON_WEDGED, "no answer to %s in %d ms", what,
				   trial->setting->patience_ms);
	if (ret == -EPROTO || ret == -EMSGSIZE)
		vballoon_trial_fail(trial, "what answers %s is no answer to it", what);
	vballoon_trial_end(trial, VBALLOON_WEDGED, "the connection has ended at %s: %s", what,
			   strerror(-ret));
}

/* Returns how large a region at the side of the first is. */
static uint64_t lay_out(struct vballoon_layout *layout, uint32_t page_shift, uint32_t host_shift)
{
	uint64_t page = UINT64_C(1) << page_shift;
	uint64_t balloon = host_shift ? HUGE_PAGES << host_shift : PAGES * page;
	uint64_t side = host_shift ? HUGE_SIDE << host_shift : SIDE_PAGES * page;
	uint64_t unit = page << VBALLOON_UNIT_MORE_MAX;

	layout->page = page;
	layout->base = VBALLOON_BASE;
	layout->balloon = layout->base + (unit > VBALLOON_PLACE_END ? unit : VBALLOON_PLACE_END);
	layout->seam = layout->balloon + balloon;
	layout->hole = layout->seam + side;
	layout->island = layout->hole + side;
	layout->end = layout->island + side;
	layout->high = HIGH;
	return side;
}

/* A back end that answers has done with who was there before, and with their memory. */
static int join(struct vballoon_trial *trial)
{
	struct vballoon_link link = { .timeout_ms = trial->setting->patience_ms };
	uint64_t features;
	int ret;

	link.socket = vballoon_subject_connect(trial->subject, trial->setting->patience_ms);
	if (link.socket < 0)
		vballoon_trial_end(trial, VBALLOON_WEDGED, "it takes no connection: %s",
				   strerror(-link.socket));
	if (!trial->host_shift)
		return link.socket;
	ret = vballoon_link_get_u64(&link, VHOST_USER_GET_FEATURES, &features);
	if (ret)
		close(link.socket);
	vballoon_trial_check(trial, ret, "GET_FEATURES");
	return link.socket;
}

/* A file for the guest's memory, in the host pages that the case wants. */
static int memory_make(struct vballoon_trial *trial)
{
	uint32_t shift = trial->host_shift;
	unsigned int flags = shift ? MFD_HUGETLB | shift << MAP_HUGE_SHIFT : 0;
	int fd = memfd_create("guest", MFD_CLOEXEC | flags);

	if (fd >= 0 && (!shift || !fallocate(fd, 0, 0, (off_t)HUGE_THERE << shift)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void vballoon_trial_connect(struct vballoon_trial *trial)
{
	const struct vballoon_layout *layout = &trial->layout;
	const struct vballoon_kind *kind = trial->facts->kind;
	uint64_t side = lay_out(&trial->layout, trial->facts->config.page_shift, trial->host_shift);
	uint64_t island = layout->hole - layout->base;
	struct vhost_user_region regions[4];
	int fd, memory_fd, ret;

	regions[0] = (struct vhost_user_region){ layout->base, layout->seam - layout->base, 0, 0 };
	regions[1] = (struct vhost_user_region){ layout->seam, layout->hole - layout->seam, 0,
						 layout->seam - layout->base };
	regions[2] = (struct vhost_user_region){ layout->island, layout->end - layout->island, 0,
						 island };
	regions[3] = (struct vhost_user_region){ layout->high, side, 0, island + side };
	fd = join(trial);
	memory_fd = memory_make(trial);
	if (memory_fd < 0 && trial->host_shift) {
		close(fd);
		vballoon_trial_end(trial, VBALLOON_SKIP, "the host has no %d huge pages left",
				   HUGE_THERE);
	}
	ret = vballoon_front_end_open_on(&trial->front_end, fd, memory_fd, regions,
					 kind->reaches_high ? 4 : 3, kind->queue_count);
	if (ret)
		vballoon_trial_fail(trial, "a guest's memory cannot be made: %s", strerror(-ret));
	trial->front_end.link.timeout_ms = trial->setting->patience_ms;
	trial->open = true;
}

void vballoon_trial_disconnect(struct vballoon_trial *trial)
{
	if (trial->open)
		vballoon_front_end_close(&trial->front_end);
	trial->open = false;
}

void vballoon_trial_negotiate(struct vballoon_trial *trial, uint64_t features)
{
	struct vballoon_front_end *front_end = &trial->front_end;
	uint64_t protocol = trial->facts->protocol_features & PROTOCOL_WANTED;
	int ret = vballoon_link_send(&front_end->link, VHOST_USER_SET_OWNER, 0, NULL, 0, NULL, 0);

	vballoon_trial_check(trial, ret, "SET_OWNER");
	ret = vballoon_front_end_set_u64(front_end, VHOST_USER_SET_PROTOCOL_FEATURES, protocol);
	vballoon_trial_check(trial, ret, "SET_PROTOCOL_FEATURES");
	ret = vballoon_front_end_set_u64(front_end, VHOST_USER_SET_FEATURES,
					 features | VBALLOON_BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	vballoon_trial_check(trial, ret, "SET_FEATURES");
	ret = vballoon_front_end_share_memory(front_end);
	vballoon_trial_check(trial, ret, "SET_MEM_TABLE");
	trial->protocol_features = protocol;
	trial->features = features;
	front_end->ring_features = vballoon_ring_features(features);
}

void vballoon_trial_start_queues(struct vballoon_trial *trial)
{
	uint32_t base = vballoon_front_end_first_base(&trial->front_end);
	uint32_t queues = trial->facts->kind->queues(trial);

	for (unsigned int i = 0; i < trial->front_end.queue_count; i++) {
		if (!(queues >> i & 1))
			continue;
		vballoon_front_end_new_ring(&trial->front_end, i);
		vballoon_trial_check(trial,
				     vballoon_front_end_start_queue(&trial->front_end, i, base),
				     "the start of a queue");
	}
}

void vballoon_trial_start(struct vballoon_trial *trial)
{
	vballoon_trial_start_queues(trial);
	trial->facts->kind->begin(trial);
}

void vballoon_trial_stop_queues(struct vballoon_trial *trial)
{
	uint32_t queues = trial->facts->kind->queues(trial);

	for (unsigned int i = 0; i < trial->front_end.queue_count; i++) {
		if (queues >> i & 1)
			vballoon_trial_check(trial,
					     vballoon_front_end_stop_queue(&trial->front_end, i,
									   &trial->bases[i]),
					     "the stop of a queue");
	}
}

void vballoon_trial_go_on(struct vballoon_trial *trial)
{
	uint32_t queues = trial->facts->kind->queues(trial);

	for (unsigned int i = 0; i < trial->front_end.queue_count; i++) {
		if (queues >> i & 1)
			vballoon_trial_check(trial,
					     vballoon_front_end_start_queue(&trial->front_end, i,
									    trial->bases[i]),
					     "the start of a queue");
	}
}

void vballoon_trial_restart_subject(struct vballoon_trial *trial, bool at_once)
{
	struct vballoon_front_end *front_end = &trial->front_end;
	int ret;

	if (!trial->subject->owned)
		vballoon_trial_end(trial, VBALLOON_SKIP, "it was not started here");
	if (at_once) {
		vballoon_subject_kill(trial->subject);
		for (unsigned int i = 0; i < front_end->queue_count; i++)
			trial->bases[i] = vballoon_front_end_next_base(front_end, i);
	} else {
		vballoon_trial_stop_queues(trial);
		vballoon_subject_stop(trial->subject);
	}
	ret = vballoon_subject_start(trial->subject);
	if (ret)
		vballoon_trial_end(trial, VBALLOON_WEDGED, "it does not start again: %s",
				   strerror(-ret));
	vballoon_front_end_rejoin(front_end, join(trial));
	vballoon_trial_negotiate(trial, trial->features);
}

void vballoon_trial_reach(struct vballoon_trial *trial, enum vballoon_stage stage)
{
	uint64_t features = trial->features;

	vballoon_trial_connect(trial);
	if (stage >= VBALLOON_STAGE_NEGOTIATED)
		vballoon_trial_negotiate(trial, features);
	if (stage >= VBALLOON_STAGE_RUNNING)
		vballoon_trial_start(trial);
	if (stage >= VBALLOON_STAGE_GREETED)
		trial->facts->kind->greet(trial);
}

unsigned char *vballoon_trial_at(struct vballoon_trial *trial, uint64_t gpa)
{
	unsigned char *at = vballoon_front_end_at(&trial->front_end, gpa);

	vballoon_require(trial, at, "address 0x%llx is not the guest's", (unsigned long long)gpa);
	return at;
}

static uint64_t features_for(const struct vballoon_trial *trial, uint64_t lacks)
{
	uint64_t features = trial->setting->features & trial->facts->features & ~lacks;

	features &= ~VBALLOON_VIRTIO_RING_PACKED;
	if (trial->setting->packed)
		features |= VBALLOON_VIRTIO_RING_PACKED;
	return features | VBALLOON_VIRTIO_VERSION_1;
}

enum vballoon_outcome vballoon_trial_run(struct vballoon_trial *trial,
					 const struct vballoon_case *row)
{
	uint64_t missing;

	trial->why[0] = '\0';
	trial->outcome = row->negative ? VBALLOON_REJECT : VBALLOON_PASS;
	trial->features = features_for(trial, row->lacks);
	trial->dense = trial->setting->dense;
	trial->host_shift = row->host_shift;
	missing = row->needs & ~trial->features;
	if (missing) {
		snprintf(trial->why, sizeof(trial->why), "feature %d is not %s",
			 __builtin_ctzll(missing),
			 trial->facts->features & missing ? "wanted" : "offered");
		return VBALLOON_SKIP;
	}
	if (setjmp(trial->ended))
		return trial->outcome;
	vballoon_trial_reach(trial, row->stage);
	row->run(trial, row->how);
	return trial->outcome;
}

bool vballoon_trial_revive(struct vballoon_trial *trial, bool reconnect)
{
	char before[sizeof(trial->why)];

	memcpy(before, trial->why, sizeof(before));
	if (setjmp(trial->ended))
		return false;
	if (reconnect) {
		vballoon_trial_disconnect(trial);
		trial->dense = trial->setting->dense;
		trial->host_shift = 0;
		vballoon_trial_connect(trial);
		vballoon_trial_negotiate(trial, features_for(trial, 0));
	} else {
		vballoon_trial_stop_queues(trial);
	}
	vballoon_trial_start(trial);
	trial->facts->kind->start_over(trial);
	trial->facts->kind->work(trial, VBALLOON_WORK_PAGES);
	memcpy(trial->why, before, sizeof(before));
	return true;
}
