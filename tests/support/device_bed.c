/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vballoon/recover.h>

#include "base/le.h"
#include "device_bed.h"

/* The window: the rings, request buffers, then a ring of message buffers. */
#define RING_AT(index) (BED_WINDOW + (index)*UINT64_C(0x4000))
#define REQUESTS_AT (BED_WINDOW + 0x8000)
#define MESSAGES_AT (BED_WINDOW + 0x10000)
#define MESSAGE_BYTES UINT64_C(0x20000)
#define MESSAGE_SLOTS 6
#define REQUEST_BYTES UINT64_C(16)
/* Behind what a bed of another device keeps there. */
#define APART_AT (BED_WINDOW + 0xf0000)
#define TABLE_AT (BED_WINDOW + 0xf1000)

static struct bed_call *record_call(struct bed *bed, bool restore,
				    const struct vballoon_region *region,
				    struct vballoon_bytes offset, struct vballoon_bytes len)
{
	uint64_t host_page = UINT64_C(1) << region->host_page_shift;

	assert_int_equal(region->reclaimable, VBALLOON_RECLAIMABLE);
	assert_int_equal(offset.value % host_page, 0);
	assert_int_equal(len.value % host_page, 0);
	assert_true(len.value && offset.value + len.value <= region->size.value);
	assert_true(bed->call_count < BED_CALLS_MAX);
	bed->calls[bed->call_count++] = (struct bed_call){
		.restore = restore,
		.gpa = region->gpa.value + offset.value,
		.len = len.value,
		.interrupts = bed->interrupts[TODEV],
		.answers = bed->rings[0].guest ? ring_builder_used_idx(&bed->rings[0]) : 0,
	};
	return &bed->calls[bed->call_count - 1];
}

static int drop(void *context, const struct vballoon_region *region, struct vballoon_bytes offset,
		struct vballoon_bytes len)
{
	struct bed *bed = context;

	record_call(bed, false, region, offset, len)->failed = bed->drop_error;
	if (bed->clears && !bed->drop_error)
		memset((unsigned char *)region->host + offset.value, 0, len.value);
	return bed->drop_error;
}

static int discard(void *context, const struct vballoon_region *region,
		   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	struct bed *bed = context;
	struct bed_call *call = record_call(bed, false, region, offset, len);

	call->discard = true;
	call->failed = bed->discard_error;
	if (bed->clears && !bed->discard_error)
		memset((unsigned char *)region->host + offset.value, 0, len.value);
	return bed->discard_error;
}

static int restore(void *context, const struct vballoon_region *region,
		   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	struct bed *bed = context;
	struct bed_call *call = record_call(bed, true, region, offset, len);

	call->failed = len.value > bed->restore_bytes_left;
	if (call->failed)
		return -ENOSPC;
	bed->restore_bytes_left -= len.value;
	return bed->restores_nothing;
}

static void notify(void *context, unsigned int queue)
{
	struct bed *bed = context;

	bed->interrupts[queue]++;
}

static void stopped(void *context, enum vballoon_violation violation, unsigned int queue)
{
	struct bed *bed = context;

	assert_int_not_equal(violation, VBALLOON_OK);
	assert_true(queue < vballoon_device_queue_count(bed->device));
	bed->stops++;
}

static int before_read(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct bed *bed = context;

	bed->accesses++;
	return bed->read_fails_at >= gpa.value && bed->read_fails_at < gpa.value + len ? -EFAULT
										       : 0;
}

static int before_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct bed *bed = context;

	bed->accesses++;
	if (gpa.value < BED_WINDOW)
		bed->written_bytes += len;
	return bed->write_fails_at >= gpa.value && bed->write_fails_at < gpa.value + len ? -EFAULT
											 : 0;
}

static void config_changed(void *context)
{
	struct bed *bed = context;

	bed->config_changes++;
}

static void journaled(void *context)
{
	struct bed *bed = context;

	if (bed->dies_in && !--bed->dies_in)
		longjmp(bed->death, 1);
}

static const struct vballoon_device_ops ops = {
	.notify = notify,
	.config_changed = config_changed,
	.stopped = stopped,
	.journaled = journaled,
};

void bed_init(struct bed *bed, uint64_t features)
{
	bed_init_shift(bed, features, 12);
}

void bed_init_shift(struct bed *bed, uint64_t features, uint32_t page_shift)
{
	bed_init_device(bed, VIRTIO_MEMORY_BALLOON_ID, features, page_shift);
}

void bed_init_device(struct bed *bed, uint32_t device_id, uint64_t features, uint32_t page_shift)
{
	struct vballoon_device_config config = {
		.device_id = device_id,
		.page_shift = page_shift,
		.features = features,
		.ops = &ops,
		.reclaim = &bed->reclaim,
		.memory_hooks = &bed->hooks,
		.context = bed,
	};
	void *storage = malloc(vballoon_device_bytes());

	memset(bed, 0, sizeof(*bed));
	assert_non_null(storage);
	bed->config = config;
	config.journal = bed->journal = malloc(vballoon_journal_bytes());
	assert_non_null(bed->journal);
	bed->reclaim.drop = drop;
	bed->reclaim.restore = restore;
	bed->reclaim.discard = discard;
	bed->reclaim.zeroes = true;
	bed->hooks.before_read = before_read;
	bed->hooks.before_write = before_write;
	bed->restore_bytes_left = UINT64_MAX;
	guest_memory_init(&bed->guest);
	assert_int_equal(vballoon_device_init(storage, &config, &bed->device), 0);
	assert_int_equal(vballoon_device_set_features(bed->device, features | BED_VERSION_1), 0);
	bed_add_kept_memory(bed, BED_WINDOW, BED_WINDOW_PAGES * UINT64_C(4096),
			    VBALLOON_KEEP_ASKED);
}

void bed_destroy(struct bed *bed)
{
	free(bed->device);
	free(bed->journal);
	for (unsigned int i = 0; i < bed->region_count; i++)
		free(bed->regions[i].page_map);
	guest_memory_destroy(&bed->guest);
}

void bed_without_restore(struct bed *bed)
{
	bed->reclaim.restore = NULL;
}

static void add_region(struct bed *bed, uint64_t gpa, uint64_t size, uint32_t host_page_shift,
		       enum vballoon_reclaimable reclaimable)
{
	uint32_t page_shift = bed_status(bed).page_shift;
	size_t bytes = vballoon_page_map_bytes(vballoon_bytes(size), page_shift);
	struct vballoon_region region = {
		.gpa = vballoon_gpa(gpa),
		.size = vballoon_bytes(size),
		.host_page_shift = host_page_shift,
		.reclaimable = reclaimable,
		.page_map = malloc(bytes),
		.page_map_bytes = bytes,
	};

	assert_true(bytes && region.page_map);
	guest_memory_add(&bed->guest, gpa, size);
	region.host = guest_memory_at(&bed->guest, gpa, 1);
	bed->regions[bed->region_count++] = region;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), 0);
}

void bed_add_memory(struct bed *bed, uint64_t gpa, uint64_t size, uint32_t host_page_shift)
{
	add_region(bed, gpa, size, host_page_shift, VBALLOON_RECLAIMABLE);
}

void bed_add_kept_memory(struct bed *bed, uint64_t gpa, uint64_t size,
			 enum vballoon_reclaimable cause)
{
	add_region(bed, gpa, size, 12, cause);
}

void bed_recut_memory(struct bed *bed, uint64_t gpa)
{
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(gpa)), 0);
	for (unsigned int i = 0; i < bed->region_count; i++) {
		if (bed->regions[i].gpa.value == gpa)
			assert_int_equal(vballoon_device_add_region(bed->device, &bed->regions[i]),
					 0);
	}
}

void bed_start_queues(struct bed *bed)
{
	for (unsigned int i = 0; i < 2; i++) {
		vballoon_device_stop_queue(bed->device, i, NULL);
		ring_builder_init(&bed->rings[i], &bed->guest, RING_AT(i), BED_QUEUE_SIZE);
		ring_builder_start_driver(&bed->rings[i], (struct vballoon_ring_features){ 0 });
		assert_int_equal(vballoon_device_start_queue(bed->device, i, &bed->rings[i].queue),
				 0);
	}
}

void bed_stop(struct bed *bed)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct vballoon_queue *queue = &bed->rings[i].queue;

		assert_int_equal(vballoon_device_stop_queue(bed->device, i, &queue->next), 0);
	}
}

void bed_go_on(struct bed *bed)
{
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vballoon_device_start_queue(bed->device, i, &bed->rings[i].queue),
				 0);
}

void bed_pause(struct bed *bed)
{
	bed_stop(bed);
	bed_go_on(bed);
}

void bed_die(struct bed *bed)
{
	struct vballoon_device_config config = bed->config;
	const struct vballoon_status before = bed_status(bed);

	config.journal = bed->journal;
	assert_int_equal(vballoon_device_recover(bed->device, &config, &bed->device), 0);
	for (unsigned int i = 0; i < bed->region_count; i++)
		assert_int_equal(vballoon_device_recover_region(bed->device, &bed->regions[i]), 0);
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++) {
		if (before.queue_running[i])
			assert_int_equal(
				vballoon_device_recover_queue(bed->device, i, &bed->rings[i].queue),
				0);
	}
}

/* The buffer of the message that is posted @index-th. */
static uint64_t message_at(uint16_t index)
{
	return MESSAGES_AT + index % MESSAGE_SLOTS * MESSAGE_BYTES;
}

uint64_t bed_next_message_at(const struct bed *bed)
{
	return message_at(bed->rings[TODEV].driver.avail_idx);
}

void bed_post(struct bed *bed, const void *message, size_t len, size_t room)
{
	struct vballoon_driver_ring *driver = &bed->rings[TODEV].driver;
	uint64_t at = message_at(driver->avail_idx);
	struct vballoon_driver_buffer buffers[2];
	unsigned int count = 0;

	assert_true(len + room <= MESSAGE_BYTES);
	if (len) {
		memcpy(guest_memory_at(&bed->guest, at, len), message, len);
		buffers[count++] =
			(struct vballoon_driver_buffer){ vballoon_gpa(at), (uint32_t)len, false };
	}
	if (room) {
		memset(guest_memory_at(&bed->guest, at + len, room), 0xee, room);
		buffers[count++] = (struct vballoon_driver_buffer){ vballoon_gpa(at + len),
								    (uint32_t)room, true };
	}
	assert_int_equal(vballoon_driver_ring_post(driver, buffers, count, at + len), 0);
}

void bed_post_bytes_apart(struct bed *bed, unsigned int queue, const void *message, size_t len,
			  size_t room)
{
	struct vballoon_driver_buffer buffers[BED_QUEUE_SIZE];
	unsigned int count = (unsigned int)(len + room);

	assert_true(count <= BED_QUEUE_SIZE);
	memcpy(guest_memory_at(&bed->guest, APART_AT, len), message, len);
	for (unsigned int i = 0; i < count; i++)
		buffers[i] =
			(struct vballoon_driver_buffer){ vballoon_gpa(APART_AT + i), 1, i >= len };
	assert_int_equal(vballoon_driver_ring_post_indirect(
				 &bed->rings[queue].driver, buffers, count,
				 guest_memory_at(&bed->guest, TABLE_AT, count * UINT64_C(16)),
				 vballoon_gpa(TABLE_AT), APART_AT),
			 0);
}

bool bed_silent(struct bed *bed)
{
	uint64_t token;
	uint32_t written;

	return vballoon_driver_ring_collect(&bed->rings[TODEV].driver, &token, &written) ==
	       VBALLOON_COLLECT_NONE;
}

size_t bed_collect(struct bed *bed, void *answer, size_t room)
{
	uint64_t token;
	uint32_t written;

	assert_int_equal(vballoon_driver_ring_collect(&bed->rings[TODEV].driver, &token, &written),
			 VBALLOON_COLLECT_ONE);
	assert_true(written <= room);
	if (written)
		memcpy(answer, guest_memory_at(&bed->guest, token, written), written);
	return written;
}

void bed_run(struct bed *bed)
{
	for (unsigned int n = 0; vballoon_device_run(bed->device); n++)
		assert_true(n < 1000000);
}

bool bed_run_and_die(struct bed *bed, unsigned int step)
{
	bed->dies_in = step;
	if (setjmp(bed->death)) {
		bed_die(bed);
		bed_run(bed);
		return true;
	}
	bed_run(bed);
	bed->dies_in = 0;
	return false;
}

size_t bed_say(struct bed *bed, const void *message, size_t len, void *answer, size_t room)
{
	bed_post(bed, message, len, room);
	bed_run(bed);
	return bed_collect(bed, answer, room);
}

uint64_t bed_hello(struct bed *bed, uint64_t epoch, uint32_t unit_shift, uint32_t flags)
{
	struct virtio_memory_balloon_hello hello = {
		.msg = { vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO), vballoon_le32(flags) },
		.epoch = vballoon_le64(epoch),
		.unit_shift = vballoon_le32(unit_shift),
	};
	struct virtio_memory_balloon_hello_answer answer;

	assert_int_equal(bed_say(bed, &hello, sizeof(hello), &answer, sizeof(answer)),
			 sizeof(answer));
	return vballoon_le64(answer.held);
}

void bed_greet(struct bed *bed, uint32_t unit_shift)
{
	bed_start_queues(bed);
	assert_int_equal(bed_hello(bed, BED_EPOCH, unit_shift, 0), 0);
}

void bed_add_entries(struct bed *bed, const uint64_t *entries, size_t count, uint8_t *verdicts)
{
	size_t len = sizeof(struct virtio_memory_balloon_msg) + count * sizeof(__le64);
	unsigned char *message = calloc(1, len);
	__le64 *page = (__le64 *)(void *)(message + sizeof(struct virtio_memory_balloon_msg));

	assert_non_null(message);
	message[0] = VIRTIO_MEMORY_BALLOON_MSG_ADD;
	for (size_t i = 0; i < count; i++)
		page[i] = vballoon_le64(entries[i]);
	assert_int_equal(bed_say(bed, message, len, verdicts, count), count);
	free(message);
}

uint8_t bed_add_entry(struct bed *bed, uint64_t entry)
{
	uint8_t verdict;

	bed_add_entries(bed, &entry, 1, &verdict);
	return verdict;
}

void bed_add_pages(struct bed *bed, uint64_t gpa, uint64_t pages)
{
	while (pages) {
		uint64_t count = pages < 4096 ? pages : 4096;

		assert_int_equal(bed_add_entry(bed, gpa | (count - 1)), 1);
		gpa += count * 4096;
		pages -= count;
	}
}

size_t bed_withdraw(struct bed *bed, uint64_t most, uint64_t *entries, size_t room)
{
	struct virtio_memory_balloon_withdraw message = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW) },
		.most = vballoon_le64(most),
	};
	size_t written = bed_say(bed, &message, sizeof(message), entries, room * sizeof(*entries));

	assert_int_equal(written % sizeof(*entries), 0);
	for (size_t i = 0; i < written / sizeof(*entries); i++)
		entries[i] = vballoon_le64(entries[i]);
	return written / sizeof(*entries);
}

void bed_exchange_pairs(struct bed *bed, const uint64_t (*pairs)[2], size_t count,
			uint8_t *verdicts)
{
	size_t len = sizeof(struct virtio_memory_balloon_msg) + count * sizeof(*pairs);
	unsigned char *message = calloc(1, len);

	assert_non_null(message);
	message[0] = VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE;
	if (count)
		memcpy(message + sizeof(struct virtio_memory_balloon_msg), pairs,
		       count * sizeof(*pairs));
	assert_int_equal(bed_say(bed, message, len, verdicts, count), count);
	free(message);
}

uint8_t bed_exchange(struct bed *bed, uint64_t give, uint64_t take)
{
	const uint64_t pair[1][2] = { { vballoon_le64(give), vballoon_le64(take) } };
	uint8_t verdict;

	bed_exchange_pairs(bed, pair, 1, &verdict);
	return verdict;
}

size_t bed_report_verdicts(struct bed *bed, const uint64_t *entries, size_t count,
			   uint8_t *verdicts_out, size_t room)
{
	size_t len = sizeof(struct virtio_memory_balloon_msg) + count * sizeof(*entries), written;
	unsigned char *message = calloc(1, len);

	assert_non_null(message);
	message[0] = VIRTIO_MEMORY_BALLOON_MSG_REPORT;
	memcpy(message + sizeof(struct virtio_memory_balloon_msg), entries,
	       count * sizeof(*entries));
	written = bed_say(bed, message, len, verdicts_out, room);
	free(message);
	return written;
}

void bed_report(struct bed *bed, const uint64_t *entries, size_t count)
{
	assert_int_equal(bed_report_verdicts(bed, entries, count, NULL, 0), 0);
}

uint8_t bed_report_run(struct bed *bed, uint64_t entry)
{
	uint8_t verdict = 0x77;

	assert_int_equal(bed_report_verdicts(bed, &entry, 1, &verdict, 1), 1);
	return verdict;
}

void bed_post_request(struct bed *bed)
{
	struct vballoon_driver_ring *driver = &bed->rings[FROMDEV].driver;
	uint64_t at = REQUESTS_AT + driver->avail_idx % BED_QUEUE_SIZE * REQUEST_BYTES;
	struct vballoon_driver_buffer buffer = { vballoon_gpa(at), REQUEST_BYTES, true };

	assert_int_equal(vballoon_driver_ring_post(driver, &buffer, 1, at), 0);
}

bool bed_collect_request(struct bed *bed, struct virtio_memory_balloon_req *request_out)
{
	uint64_t token;
	uint32_t written;

	if (vballoon_driver_ring_collect(&bed->rings[FROMDEV].driver, &token, &written) !=
	    VBALLOON_COLLECT_ONE)
		return false;
	assert_int_equal(written, sizeof(*request_out));
	memcpy(request_out, guest_memory_at(&bed->guest, token, written), written);
	return true;
}

void bed_expect_request(struct bed *bed, uint32_t type, uint64_t value)
{
	struct virtio_memory_balloon_req request;

	bed_post_request(bed);
	bed_run(bed);
	assert_true(bed_collect_request(bed, &request));
	assert_int_equal(vballoon_le32(request.type), type);
	assert_int_equal(vballoon_le64(request.value), value);
}

void bed_expect_no_request(struct bed *bed)
{
	struct virtio_memory_balloon_req request;

	bed_run(bed);
	assert_false(bed_collect_request(bed, &request));
}

struct vballoon_status bed_status(struct bed *bed)
{
	struct vballoon_status status;

	vballoon_device_status(bed->device, &status);
	return status;
}

uint64_t bed_entry_gpa(uint64_t entry)
{
	return entry & ~UINT64_C(0xfff);
}

uint64_t bed_entry_pages(uint64_t entry)
{
	return (entry & 0xfff) + 1;
}

int bed_set_up(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, GIB, 64 * MIB, 12);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

int bed_set_up_settled(void **state)
{
	bed_set_up(state);
	bed_expect_request(*state, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	return 0;
}

int bed_tear_down(void **state)
{
	bed_destroy(*state);
	return 0;
}
