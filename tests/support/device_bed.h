/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device in a test: a guest with a window for rings and messages, a driver that
 * says what the test tells it to, and a host that keeps account of what is dropped
 * and restored, and fails when told to.
 *
 * The guest's balloon memory is added by the test; the window, 1 MiB at
 * BED_WINDOW, is guest memory too.
 */
#ifndef VBALLOON_TESTS_DEVICE_BED_H
#define VBALLOON_TESTS_DEVICE_BED_H

#include <setjmp.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/device.h>

#include "guest_memory.h"
#include "ring_builder.h"

#define BED_WINDOW (UINT64_C(1) << 40)
#define BED_WINDOW_PAGES 256
#define BED_QUEUE_SIZE 64
#define BED_CALLS_MAX 4096
#define BED_EPOCH 7

#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV

#define BED_RUNS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)
#define BED_EXCHANGE (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_EXCHANGE)
#define BED_PUSH_STATS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PUSH_STATS)
#define BED_REPORTING (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_REPORTING)
#define BED_ZEROED (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_ZEROED)
#define BED_VERSION_1 (UINT64_C(1) << 32)

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* What the host was asked to do. */
struct bed_call {
	bool restore, discard; /* else drop */
	uint64_t gpa; /* the region's address and the offset */
	uint64_t len;
	bool failed;
	unsigned int interrupts; /* that todevq had raised by then */
	unsigned int answers; /* that the device had given on queue 0 by then */
};

struct bed {
	struct guest_memory guest;
	struct vballoon_device *device;
	struct vballoon_device_config config; /* what it was made of, but for the journal */
	void *journal; /* outlives the device */
	unsigned int dies_in; /* steps of the journal; 0: it does not */
	jmp_buf death;
	struct ring_builder rings[VBALLOON_QUEUES_MAX];
	struct vballoon_reclaim_ops reclaim;
	struct vballoon_memory_hooks hooks;
	struct bed_call calls[BED_CALLS_MAX];
	unsigned int call_count;
	int drop_error, discard_error; /* what the host answers */
	bool clears; /* what it drops and discards reads as zeros, for small memory */
	uint64_t restore_bytes_left; /* what the host has */
	bool restores_nothing; /* its memory comes when it is touched */
	unsigned int interrupts[VBALLOON_QUEUES_MAX];
	unsigned int config_changes; /* ops.config_changed was called */
	unsigned int stops; /* ops.stopped was called */
	struct vballoon_region regions[VBALLOON_MEMORY_REGIONS_MAX]; /* that were added */
	unsigned int region_count;
	uint64_t read_fails_at; /* reading this guest address fails; 0: none */
	uint64_t write_fails_at; /* likewise writing */
	uint64_t written_bytes; /* by the device, but for what it wrote to the window */
	unsigned int accesses; /* of the device to guest memory */
};

/* A device with a 4 KiB page that offers and negotiates @features (device bits;
 * VERSION_1 is added), with no memory but the window, and no queue running. */
void bed_init(struct bed *bed, uint64_t features);
/* The same for another device of virtio. */
void bed_init_device(struct bed *bed, uint32_t device_id, uint64_t features, uint32_t page_shift);
/* The same with another balloon page. */
void bed_init_shift(struct bed *bed, uint64_t features, uint32_t page_shift);
void bed_destroy(struct bed *bed);

/* For cmocka: *state is a bed with page runs and 64 MiB at 1 GiB, greeted; or settled: what was
 * asked after HELLO was taken, too. */
int bed_set_up(void **state);
int bed_set_up_settled(void **state);
int bed_tear_down(void **state);

/* The host cannot fail to back memory that is touched: no restore operation. Before
 * bed_init() nothing may be called; after it, before memory is added. */
void bed_without_restore(struct bed *bed);

/* Add memory that the host drops in pages of 2^@host_page_shift bytes, or keeps. */
void bed_add_memory(struct bed *bed, uint64_t gpa, uint64_t size, uint32_t host_page_shift);
void bed_add_kept_memory(struct bed *bed, uint64_t gpa, uint64_t size,
			 enum vballoon_reclaimable cause);

/* The region at @gpa goes, and the same memory is there again: its pages begin in the guest. */
void bed_recut_memory(struct bed *bed, uint64_t gpa);

/* Start both queues with fresh rings, as after a reset. */
void bed_start_queues(struct bed *bed);
/* Stop both, and start both again where they were, as when a guest is paused. */
void bed_pause(struct bed *bed);
/* The two halves of that. */
void bed_stop(struct bed *bed);
void bed_go_on(struct bed *bed);

/* The device's process dies: another device goes on with what it left. */
void bed_die(struct bed *bed);
/* As bed_run(), with a death at the @step-th step of the journal, from 1 on, or with none.
 * Returns whether it came to that. */
bool bed_run_and_die(struct bed *bed, unsigned int step);

/* Post a message: @len readable bytes, @room writable ones. */
void bed_post(struct bed *bed, const void *message, size_t len, size_t room);
/* Post the same with a descriptor for each byte, BED_QUEUE_SIZE of them at most, in an indirect
 * table: those that wait together are all the same. */
void bed_post_bytes_apart(struct bed *bed, unsigned int queue, const void *message, size_t len,
			  size_t room);
/* Where the next message will lie. */
uint64_t bed_next_message_at(const struct bed *bed);
/* Collect the answer to the oldest message: the bytes written, at most @room of
 * them in @answer. Fails the test when there is none. */
size_t bed_collect(struct bed *bed, void *answer, size_t room);
/* Whether no message was answered since. */
bool bed_silent(struct bed *bed);
/* Post, let the device run until nothing is left, collect. */
size_t bed_say(struct bed *bed, const void *message, size_t len, void *answer, size_t room);
/* Let the device run until nothing is left. */
void bed_run(struct bed *bed);

/* HELLO: returns held. */
uint64_t bed_hello(struct bed *bed, uint64_t epoch, uint32_t unit_shift, uint32_t flags);
/* Start the queues and say HELLO with BED_EPOCH. */
void bed_greet(struct bed *bed, uint32_t unit_shift);
/* ADD of one entry, as on the wire: the verdict. */
uint8_t bed_add_entry(struct bed *bed, uint64_t entry);
/* ADD of whole entries, one verdict each. */
void bed_add_entries(struct bed *bed, const uint64_t *entries, size_t count, uint8_t *verdicts);
/* ADD of @pages pages at @gpa as runs (unit = page = 4 KiB): all accepted. */
void bed_add_pages(struct bed *bed, uint64_t gpa, uint64_t pages);
/* WITHDRAW: the entries that come back, at most @room. */
size_t bed_withdraw(struct bed *bed, uint64_t most, uint64_t *entries, size_t room);

/* EXCHANGE of pairs as on the wire, one verdict each; of one pair. */
void bed_exchange_pairs(struct bed *bed, const uint64_t (*pairs)[2], size_t count,
			uint8_t *verdicts);
uint8_t bed_exchange(struct bed *bed, uint64_t give, uint64_t take);
/* REPORT of entries as on the wire; when it is back. */
void bed_report(struct bed *bed, const uint64_t *entries, size_t count);
/* The same with room for @room verdicts. Returns how many came. */
size_t bed_report_verdicts(struct bed *bed, const uint64_t *entries, size_t count,
			   uint8_t *verdicts_out, size_t room);
/* Report one run: the verdict on it. */
uint8_t bed_report_run(struct bed *bed, uint64_t entry);

/* Post a request buffer; collect a filled one: false when there is none. */
void bed_post_request(struct bed *bed);
bool bed_collect_request(struct bed *bed, struct virtio_memory_balloon_req *request_out);
/* The next request is this one. */
void bed_expect_request(struct bed *bed, uint32_t type, uint64_t value);
void bed_expect_no_request(struct bed *bed);

struct vballoon_status bed_status(struct bed *bed);

/* The address and the number of 4 KiB pages that an entry of a run names. */
uint64_t bed_entry_gpa(uint64_t entry);
uint64_t bed_entry_pages(uint64_t entry);

#endif /* VBALLOON_TESTS_DEVICE_BED_H */
