// SPDX-License-Identifier: BSD-3-Clause
/* The traditional balloon, virtio device 5: what makes a device of the library one. */
#include <string.h>

#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"
#include "device/traditional/traditional.h"

#define FEATURES                                                                                   \
	(VBALLOON_F_VERSION_1 | VBALLOON_F_RING_ALL | VBALLOON_TRAD(MUST_TELL_HOST) |              \
	 VBALLOON_TRAD(STATS_VQ) | VBALLOON_TRAD(DEFLATE_ON_OOM) | VBALLOON_TRAD(FREE_PAGE_HINT) | \
	 VBALLOON_TRAD(PAGE_POISON) | VBALLOON_TRAD(REPORTING) | VBALLOON_TRAD(SILENT_DEFLATE))

/* Drivers give a MiB in a message and wait for its answer: some take milliseconds for the next. */
#define LINGER_MS 20

/* How often the host is asked again for memory that a message waits for. */
#define RETRY_MS 100

static bool valid(const struct vballoon_device_config *config)
{
	return config->page_shift == VIRTIO_BALLOON_PFN_SHIFT;
}

/* The one negative bit and the positive one that says the opposite are never offered
 * together; a device that may wait for the driver's word can do more for the host. */
static uint64_t promised(const struct vballoon_device_config *config)
{
	uint64_t features = config->features;

	if (!config->reclaim || !config->reclaim->discard)
		features &= ~(VBALLOON_TRAD(REPORTING) | VBALLOON_TRAD(SILENT_DEFLATE));
	if (features & VBALLOON_TRAD(MUST_TELL_HOST))
		features &= ~VBALLOON_TRAD(SILENT_DEFLATE);
	return features;
}

static uint64_t usable(uint64_t features)
{
	return features;
}

static uint32_t pages_asked(const struct vballoon_device *device)
{
	return device->pace.asked < UINT32_MAX ? (uint32_t)device->pace.asked : UINT32_MAX;
}

static void config_space(const struct vballoon_device *device, void *space_out)
{
	const struct virtio_balloon_config space = {
		.num_pages = vballoon_le32(pages_asked(device)),
		.actual = device->traditional.actual,
		.free_page_hint_cmd_id = vballoon_le32(vballoon_trad_command(device)),
		.poison_val = device->traditional.poison_val,
	};

	memcpy(space_out, &space, sizeof(space));
}

/* Take the bytes of one field out of a write of some others, of any alignment. */
static void take_field(void *field, uint32_t begin, uint32_t offset, const void *from, uint32_t len)
{
	for (uint32_t i = 0; i < sizeof(__le32); i++) {
		if (begin + i >= offset && begin + i - offset < len)
			((unsigned char *)field)[i] =
				((const unsigned char *)from)[begin + i - offset];
	}
}

/* What the driver says of its balloon is kept for it to read. No page is taken or left for it: it
 * sets the pace (growth()), and of a silent driver what counts as reached (status.c). */
static void config_write(struct vballoon_device *device, uint32_t offset, const void *from,
			 uint32_t len)
{
	struct vballoon_traditional *trad = &device->traditional;
	uint32_t actual_at = offsetof(struct virtio_balloon_config, actual);

	trad->actual_told |= offset < actual_at + sizeof(__le32) && len > 0 &&
			     (offset >= actual_at || len > actual_at - offset);
	take_field(&trad->actual, offsetof(struct virtio_balloon_config, actual), offset, from,
		   len);
	take_field(&trad->poison_val, offsetof(struct virtio_balloon_config, poison_val), offset,
		   from, len);
}

/* Everything that the driver is told it reads in the configuration space. */
static void ask(struct vballoon_device *device)
{
	struct vballoon_requests *requests = &device->requests;
	const struct vballoon_device_ops *ops = device->config.ops;

	if (device->proof != VBALLOON_RECORD_PROVEN || device->violation ||
	    !(requests->resize || requests->report))
		return;
	if (requests->report)
		requests->report_asked = true;
	requests->report = false;
	requests->resize = false;
	if (ops->config_changed)
		ops->config_changed(device->config.context);
}

/* The largest pages that guests give whole. */
#define UNIT_PAGES 512

/* The driver does not say what it gives at once; a step that is no multiple of it would never be
 * done. And what it has may not be what is on the record, which another device may have had, or
 * which it uses without a word: its own word will do, since the pace is for its own sake. One that
 * was there before this device may have no reason to say it again: then it has what it is asked
 * for. */
static void growth(const struct vballoon_device *device, struct vballoon_growth *growth)
{
	growth->unit_pages = UNIT_PAGES;
	growth->held = vballoon_le32(device->traditional.actual);
	if (!device->traditional.actual_told)
		growth->held = device->pace.asked / UNIT_PAGES * UNIT_PAGES;
}

static bool is_firm(const struct vballoon_device *device)
{
	return vballoon_device_has(device, VBALLOON_TRAD(MUST_TELL_HOST));
}

static bool is_silent(const struct vballoon_device *device)
{
	return vballoon_device_has(device, VBALLOON_TRAD(SILENT_DEFLATE));
}

static uint64_t due_ms(const struct vballoon_device *device)
{
	uint64_t stats = vballoon_trad_stats_due_ms(device);
	uint64_t retry = device->now_ms + RETRY_MS;

	/* Statistics that are due still could not be had in the last run. */
	if (stats <= device->now_ms)
		stats = retry;
	return device->work.waits && retry < stats ? retry : stats;
}

const struct vballoon_protocol vballoon_protocol_traditional = {
	.device_id = VIRTIO_BALLOON_ID,
	.queue_count = VIRTIO_BALLOON_VQ_MAX,
	.features = FEATURES,
	.rounds_feature = VBALLOON_TRAD(FREE_PAGE_HINT),
	.period_feature = VBALLOON_TRAD(STATS_VQ),
	.config_bytes = sizeof(struct virtio_balloon_config),
	.valid = valid,
	.promised = promised,
	.usable = usable,
	.config_space = config_space,
	.config_write = config_write,
	.queue_started = vballoon_trad_queue_started,
	.queue_stopped = vballoon_trad_queue_stopped,
	.queue_recovered = vballoon_trad_queue_recovered,
	.answer = vballoon_trad_answer,
	.leave = vballoon_trad_leave,
	.ask = ask,
	.due_ms = due_ms,
	.growth = growth,
	.is_firm = is_firm,
	.linger_ms = LINGER_MS,
	.is_silent = is_silent,
	.own_bytes = VBALLOON_TRAD_OWN_BYTES,
	.own_makes_sense = vballoon_trad_own_makes_sense,
	.own_save = vballoon_trad_own_save,
	.own_load = vballoon_trad_own_load,
};
