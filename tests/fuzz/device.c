/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory balloon device, told whatever a driver can say, with a host that fails. What is
 * dropped was given by the driver, what is discarded was reported by it, and what comes back
 * had been given and comes back once.
 */
#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "fuzz.h"
#include "places.h"

#define STEPS_MAX 200
#define IN_FLIGHT_MAX 5 /* the bed keeps one more apart */
#define REQUESTS_MAX 32
#define WORDS_MAX 64
#define ROOM_MAX 512U

uint64_t fuzz_reached;
const char fuzz_core[] = "pages dropped";

struct fuzz_message {
	uint64_t number;
	uint32_t type;
	uint64_t words[WORDS_MAX]; /* behind the header */
	unsigned int count;
};

struct fuzz_device {
	struct fuzz_input input;
	struct bed bed;
	/* The message that last named a page, for the balloon or in a report; 0: none did. */
	uint64_t given[PAGES], reported[PAGES];
	uint32_t unit_shift_max; /* that a HELLO has said */
	uint64_t posted; /* messages, ever */
	uint64_t posted_before; /* the queues were started anew */
	struct fuzz_message in_flight[IN_FLIGHT_MAX];
	unsigned int in_flight_count, requests;
};

static bool has_runs(struct fuzz_device *f)
{
	return bed_status(&f->bed).features & BED_RUNS;
}

/* An entry names pages: all that it could mean, in the largest units that were agreed on. */
static void name(struct fuzz_device *f, uint64_t *pages, uint64_t entry)
{
	const uint64_t low = has_runs(f) ? entry % PAGE : 0;
	const uint64_t count = (low + 1) << (f->unit_shift_max - 12);

	for (uint64_t i = 0; i < count && i < PAGES; i++) {
		unsigned int page = page_of(entry - low + i * PAGE);

		if (page < PAGES)
			pages[page] = f->posted;
	}
}

static void note_names(struct fuzz_device *f, const struct fuzz_message *message)
{
	unsigned int step = message->type == VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE ? 2 : 1;

	if (message->type == VIRTIO_MEMORY_BALLOON_MSG_HELLO && message->count > 1) {
		uint32_t shift = (uint32_t)message->words[1];

		if (shift <= 30 && shift > f->unit_shift_max)
			f->unit_shift_max = shift;
	}
	for (unsigned int i = 0; i < message->count; i += step) {
		if (message->type == VIRTIO_MEMORY_BALLOON_MSG_ADD ||
		    message->type == VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE)
			name(f, f->given, message->words[i]);
		else if (message->type == VIRTIO_MEMORY_BALLOON_MSG_REPORT)
			name(f, f->reported, message->words[i]);
	}
}

static void check_calls(struct fuzz_device *f)
{
	for (unsigned int i = 0; i < f->bed.call_count; i++) {
		const struct bed_call *call = &f->bed.calls[i];

		FUZZ_HOLDS(f->posted > f->posted_before);
		for (uint64_t at = call->gpa; at < call->gpa + call->len; at += PAGE) {
			unsigned int page = page_of(at);

			FUZZ_HOLDS(page < PAGES);
			FUZZ_HOLDS(call->discard ? f->reported[page] : f->given[page]);
			fuzz_reached += !call->restore && !call->failed;
		}
	}
	f->bed.call_count = 0;
}

/* The first page of what an entry names comes back. */
static void come_back(struct fuzz_device *f, const struct fuzz_message *message, uint64_t entry)
{
	unsigned int page = page_of(has_runs(f) ? entry - entry % PAGE : entry);

	FUZZ_HOLDS(page < PAGES && f->given[page]);
	if (f->given[page] < message->number)
		f->given[page] = 0;
}

static void check_answer(struct fuzz_device *f, const struct fuzz_message *message,
			 const uint8_t *answer, uint32_t len)
{
	__le64 entry;

	if (message->type == VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW) {
		FUZZ_HOLDS(len % sizeof(entry) == 0);
		for (uint32_t at = 0; at < len; at += sizeof(entry)) {
			memcpy(&entry, answer + at, sizeof(entry));
			come_back(f, message, vballoon_le64(entry));
		}
	} else if (message->type == VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE) {
		FUZZ_HOLDS(len <= message->count / 2);
		for (uint32_t i = 0; i < len; i++) {
			if (answer[i] == VIRTIO_MEMORY_BALLOON_ACCEPTED)
				come_back(f, message, message->words[2 * i + 1]);
		}
	} else if (message->type == VIRTIO_MEMORY_BALLOON_MSG_ADD) {
		FUZZ_HOLDS(len <= message->count);
	}
}

static void collect(struct fuzz_device *f)
{
	uint64_t token;
	uint32_t len;
	int outcome;

	while ((outcome = vballoon_driver_ring_collect(&f->bed.rings[TODEV].driver, &token,
						       &len)) != VBALLOON_COLLECT_NONE) {
		FUZZ_HOLDS(outcome == VBALLOON_COLLECT_ONE && len <= ROOM_MAX);
		check_answer(f, &f->in_flight[0],
			     guest_memory_at(&f->bed.guest, token, len ? len : 1), len);
		f->in_flight_count--;
		memmove(&f->in_flight[0], &f->in_flight[1],
			f->in_flight_count * sizeof(f->in_flight[0]));
	}
	while (vballoon_driver_ring_collect(&f->bed.rings[FROMDEV].driver, &token, &len) ==
	       VBALLOON_COLLECT_ONE) {
		/* One that the device had stopped at comes back with nothing in it. */
		FUZZ_HOLDS(len == sizeof(struct virtio_memory_balloon_req) || len == 0);
		f->requests--;
	}
}

static void run_once(struct fuzz_device *f)
{
	vballoon_device_run(f->bed.device);
	check_calls(f);
	collect(f);
}

static void run(struct fuzz_device *f)
{
	for (unsigned int n = 0; vballoon_device_run(f->bed.device); n++) {
		FUZZ_HOLDS(n < 100000);
		check_calls(f);
	}
	check_calls(f);
	collect(f);
}

static void start(struct fuzz_device *f)
{
	bed_start_queues(&f->bed);
	f->in_flight_count = f->requests = 0;
	f->posted_before = f->posted;
}

/* @tail bytes more than whole words, which make most messages wrong. */
static void post(struct fuzz_device *f, struct fuzz_message *message, uint32_t flags, size_t tail)
{
	const size_t room = fuzz_u16(&f->input) % ROOM_MAX;
	uint64_t wire[1 + WORDS_MAX + 1] = { 0 };

	if (f->in_flight_count == IN_FLIGHT_MAX)
		return;
	wire[0] = vballoon_le64(message->type | (uint64_t)flags << 32);
	for (unsigned int i = 0; i < message->count; i++)
		wire[1 + i] = vballoon_le64(message->words[i]);
	message->number = ++f->posted;
	note_names(f, message);
	bed_post(&f->bed, wire, (1 + message->count) * sizeof(wire[0]) + tail, room);
	f->in_flight[f->in_flight_count++] = *message;
}

/* Mostly an address of memory that there is. */
static uint64_t take_entry(struct fuzz_device *f)
{
	const uint8_t kind = fuzz_u8(&f->input);
	const uint16_t page = fuzz_u16(&f->input);

	switch (kind % 4) {
	case 0:
		return SMALL_AT + page % SMALL_PAGES * PAGE + kind / 4;
	case 1:
		return LARGE_AT + page % LARGE_PAGES * PAGE + kind / 4;
	case 2:
		return LARGE_AT + page % 4 * (2 * MIB) + 511;
	default:
		return fuzz_u64(&f->input);
	}
}

static void say_entries(struct fuzz_device *f)
{
	const uint8_t shape = fuzz_u8(&f->input);
	struct fuzz_message message = {
		.type = shape % 8,
		.count = fuzz_u8(&f->input) % (WORDS_MAX + 1),
	};

	for (unsigned int i = 0; i < message.count; i++)
		message.words[i] = take_entry(f);
	post(f, &message, shape >> 7, shape >> 3 & 7);
}

static void say_hello(struct fuzz_device *f)
{
	const uint8_t kind = fuzz_u8(&f->input);
	struct fuzz_message message = {
		.type = VIRTIO_MEMORY_BALLOON_MSG_HELLO,
		.words = { 1 + kind % 2, kind & 2   ? 21
					 : kind & 4 ? kind
						    : 12 },
		.count = 2,
	};

	post(f, &message, kind >> 7, 0);
}

static void say_anything(struct fuzz_device *f)
{
	struct fuzz_message message = { .type = fuzz_u32(&f->input) };
	const uint32_t flags = fuzz_u32(&f->input);
	const uint8_t shape = fuzz_u8(&f->input);

	message.count = shape % 8;
	for (unsigned int i = 0; i < message.count; i++)
		message.words[i] = fuzz_u64(&f->input);
	post(f, &message, flags, shape >> 5);
}

static void post_request(struct fuzz_device *f)
{
	if (f->requests == REQUESTS_MAX)
		return;
	f->requests++;
	bed_post_request(&f->bed);
}

static void pause_queues(struct fuzz_device *f)
{
	bed_pause(&f->bed);
}

static void reset(struct fuzz_device *f)
{
	vballoon_device_reset(f->bed.device);
	FUZZ_HOLDS(!bed_status(&f->bed).held_pages);
	FUZZ_HOLDS(!vballoon_device_set_features(
		f->bed.device, BED_VERSION_1 | (f->bed.config.features & fuzz_u8(&f->input))));
	start(f);
}

static void restart(struct fuzz_device *f)
{
	vballoon_device_restart(f->bed.device);
}

static void ask(struct fuzz_device *f)
{
	uint16_t pages = fuzz_u16(&f->input);

	switch (pages >> 14) {
	case 0:
		vballoon_device_set_target(f->bed.device, pages);
		break;
	case 1:
		vballoon_device_request_stats(f->bed.device);
		break;
	case 2:
		vballoon_device_inhibit(f->bed.device, pages & 1);
		break;
	default:
		vballoon_device_set_stats_period(f->bed.device, pages);
		break;
	}
}

static void set_policy(struct fuzz_device *f)
{
	const uint8_t bits = fuzz_u8(&f->input);
	struct vballoon_policy policy = {
		.pages = bits & 3,
		.floor_bytes = (uint64_t)fuzz_u8(&f->input) << 16,
	};

	for (unsigned int i = 0; i < VBALLOON_WITHDRAW_REASONS; i++)
		policy.withdraw[i] = bits >> 2 & 3;
	vballoon_device_set_policy(f->bed.device, &policy);
}

static void trouble(struct fuzz_device *f)
{
	const uint8_t bits = fuzz_u8(&f->input);
	const uint64_t at = fuzz_u16(&f->input) * UINT64_C(16);

	f->bed.drop_error = bits & 1 ? -ENOSYS : 0;
	f->bed.discard_error = bits & 2 ? -ENOSYS : 0;
	f->bed.restore_bytes_left = bits & 4 ? (uint64_t)bits << 12 : UINT64_MAX;
	f->bed.read_fails_at = bits & 8 ? BED_WINDOW + at : 0;
	f->bed.write_fails_at = bits & 16 ? BED_WINDOW + at : 0;
}

static void (*const steps[])(struct fuzz_device *f) = {
	say_entries, say_hello, say_anything, run, run_once,   post_request, pause_queues,
	start,	     reset,	restart,      ask, set_policy, trouble,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct fuzz_device fuzz_device;
	struct fuzz_device *f = &fuzz_device;
	struct vballoon_status status;

	memset(f, 0, sizeof(*f));
	f->input = (struct fuzz_input){ bytes, len };
	f->unit_shift_max = 12;
	bed_init(&f->bed, fuzz_u8(&f->input) & (vballoon_device_features_max() & UINT64_C(0xff)));
	places_add(&f->bed);
	start(f);
	for (unsigned int i = 0; i < STEPS_MAX && f->input.len; i++)
		steps[fuzz_u8(&f->input) % (sizeof(steps) / sizeof(steps[0]))](f);
	run(f);
	status = bed_status(&f->bed);
	FUZZ_HOLDS(status.dropped_pages <= status.held_pages && status.held_pages <= PAGES);
	bed_destroy(&f->bed);
	return 0;
}
