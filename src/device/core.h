/* SPDX-License-Identifier: BSD-3-Clause */
/* The device from inside: what its files share. */
#ifndef VBALLOON_DEVICE_CORE_H
#define VBALLOON_DEVICE_CORE_H

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/device.h>

#include "base/entry.h"
#include "device/search.h"
#include "device/summary.h"
#include "policy/pace.h"
#include "policy/policy.h"
#include "ring/device_ring.h"
#include "ring/kept.h"
#include "state/journal.h"
#include "state/page_map.h"
#include "state/saved.h"

/* virtio 1.3, 6 Reserved Feature Bits. Those of the rings: ring/ring_features.h. */
#define VBALLOON_F_VERSION_1 (UINT64_C(1) << 32)

#define VBALLOON_F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)

struct vballoon_device;

/*
 * What goes over the queues and what is in the configuration space: the memory balloon's
 * (virtio device 13) or the traditional one's (5). All that is about pages - the record,
 * dropping and restoring, regions, the policy - is the same for both and does not know
 * which of them it serves. What may be NULL is said.
 */
struct vballoon_protocol {
	uint32_t device_id;
	uint32_t revision; /* of the interface; 0: it has none */
	unsigned int queue_count;
	uint64_t features; /* that the library can offer */
	uint64_t rounds_feature; /* what vballoon_device_request_report() needs */
	uint64_t period_feature; /* what vballoon_device_set_stats_period() needs */
	uint64_t zeroed_feature; /* with it, what comes back reads as zeros; 0: there is none */
	uint32_t config_bytes; /* of the configuration space */

	/* Whether a device can be made of this. */
	bool (*valid)(const struct vballoon_device_config *config);
	/* What the embedder can keep of what it would offer. */
	uint64_t (*promised)(const struct vballoon_device_config *config);
	/* A bit whose prerequisite is missing counts as missing too. */
	uint64_t (*usable)(uint64_t features);
	/* Fill in all of the configuration space. */
	void (*config_space)(const struct vballoon_device *device, void *space_out);
	/* The driver writes to what there is of it; NULL: nothing can be written. */
	void (*config_write)(struct vballoon_device *device, uint32_t offset, const void *from,
			     uint32_t len);

	/* A queue has begun at @next; it has ended, and would go on at @next. */
	void (*queue_started)(struct vballoon_device *device, unsigned int index, uint32_t next);
	void (*queue_stopped)(struct vballoon_device *device, unsigned int index, uint32_t next);
	/* Answer messages, a bounded number. Returns whether more may be left. */
	bool (*answer)(struct vballoon_device *device);
	/* A queue goes on at @next from where a device left it that has died. */
	void (*queue_recovered)(struct vballoon_device *device, unsigned int index, uint32_t next);
	/* The answer in the journal did not reach the driver: what it took is back on the
	 * record. NULL: no answer of this device takes anything. */
	void (*undo)(struct vballoon_device *device);
	/* Something is about to change under the message that is unfinished: it is undone,
	 * and taken anew afterwards. */
	void (*leave)(struct vballoon_device *device);
	/* Tell the driver what is to be told. */
	void (*ask)(struct vballoon_device *device);
	/* As vballoon_device_due_ms(), for what the pace does not know of; may be NULL. */
	uint64_t (*due_ms)(const struct vballoon_device *device);
	/* What is different in how it grows; may be NULL. */
	void (*growth)(const struct vballoon_device *device, struct vballoon_growth *growth);
	/* Whether the guest leaves what is held alone until the device has answered that
	 * it has it back. If not, nothing is dropped once it was answered to be held. */
	bool (*is_firm)(const struct vballoon_device *device);
	/* How long pages of a block that is not wholly held wait for the others of it before
	 * they are dropped, where messages are small and come one by one; 0: not at all. */
	uint32_t linger_ms;
	/* Whether it may use what is held without a word at all; NULL: no. */
	bool (*is_silent)(const struct vballoon_device *device);
	/* What a saved state has of it beside the requests that both have: so many bytes, a
	 * multiple of 8; NULL: nothing. It is loaded after the record, if it makes sense. */
	uint32_t own_bytes;
	bool (*own_makes_sense)(const uint8_t *own);
	void (*own_save)(const struct vballoon_device *device, uint8_t *own);
	void (*own_load)(struct vballoon_device *device, const uint8_t *own);
};

extern const struct vballoon_protocol vballoon_protocol_memory_balloon;
extern const struct vballoon_protocol vballoon_protocol_traditional;

/* What the device has to ask of the driver; see requests.c. */
struct vballoon_requests {
	bool reset; /* to be sent, each of these */
	bool hello;
	bool resize;
	bool stats;
	bool report;
	bool period; /* the next STATS tells the period */
	bool hello_asked; /* and not answered yet */
	bool count_lost; /* the driver may count pages that are off the record: HELLO tells */
	uint64_t hello_due_ms; /* when a driver that nobody knows has been silent for too long */
	bool stats_asked;
	bool report_asked;
	uint32_t cookie; /* of the newest STATS */
	uint64_t report_id; /* of the newest REPORT */
};

/*
 * A message of todevq that names memory, over as many runs as that takes. Until it is
 * answered it stays the chain under work, nothing else is taken from its queue, and
 * nothing is dropped. Whatever ends it early undoes it and puts it back.
 */
struct vballoon_work {
	bool unfinished;
	uint32_t type; /* of that message; of device 5, its queue as the standard numbers them */
	unsigned int queue; /* of device 5: that queue */
	bool waits; /* of device 5: it is unfinished, as the host has no memory */
	uint64_t steps_left; /* that this run may take: words of the page map */
	uint64_t bytes_left; /* to be cleared, given back or restored in this run */
	uint64_t units_left; /* that the message may still name */
	uint64_t at, end; /* what is being worked on: guest addresses */
	bool restored; /* some of that, and the driver has it not yet */
	bool regained; /* some that was restored is the driver's now */
	bool unrestored; /* there was no host memory for some of the message */
	uint64_t keep_end; /* what is reported: up to here nothing is given back */
	bool entry_open; /* REPORT: its newest entry is not answered */
	bool entry_given; /* the host has memory of it */
	bool entry_failed; /* passed over, or could not be cleared */
	struct {
		uint64_t pages, discarded;
	} reported; /* what the message counts for when it is answered */
	struct {
		uint64_t pages_left; /* that the answer may still name */
		struct vballoon_search search;
		unsigned int way; /* of looking */
		uint64_t first; /* of the run that is made usable: a guest address */
	} withdraw;
	struct {
		bool ready; /* judged, and to be carried out */
		uint64_t give, take; /* as on the wire */
	} pair; /* EXCHANGE */
};

/* What one run of the device does for messages takes half a millisecond: so many words of the
 * page map are looked at, */
#define VBALLOON_RUN_STEPS 8192

/* and so many bytes cleared or restored, or half of them given back; at least a host page. */
#define VBALLOON_RUN_BYTES (UINT64_C(1) << 22)

/* What a call to the host counts for at least: a run makes no more of them for messages
 * than to drop what is held. */
#define VBALLOON_WORK_CALL_BYTES (VBALLOON_RUN_BYTES / 64)

/* A call to the host about @bytes is part of what this run may do. */
static inline void vballoon_work_charge(struct vballoon_work *work, uint64_t bytes)
{
	if (bytes < VBALLOON_WORK_CALL_BYTES)
		bytes = VBALLOON_WORK_CALL_BYTES;
	work->bytes_left -= bytes < work->bytes_left ? bytes : work->bytes_left;
}

/* So many words of the page map, or as much as they take, are part of what this run may do. */
static inline void vballoon_work_charge_words(struct vballoon_work *work, uint64_t words)
{
	work->steps_left -= words < work->steps_left ? words : work->steps_left;
}

/* What an entry takes beside the words of the page map that it names, in such. */
#define VBALLOON_WORK_ENTRY_WORDS 4

/* An entry of @pages pages is part of what this run may do. */
static inline void vballoon_work_charge_entry(struct vballoon_work *work, uint64_t pages)
{
	vballoon_work_charge_words(work,
				   VBALLOON_WORK_ENTRY_WORDS + pages / VBALLOON_BITMAP_WORD_BITS);
}

/* Since the record was last proven, a queue of the two without which no guest speaks. */
enum vballoon_place {
	VBALLOON_PLACE_KEPT, /* runs on */
	VBALLOON_PLACE_LEFT, /* was stopped */
	VBALLOON_PLACE_RESUMED, /* was stopped, and goes on there */
	VBALLOON_PLACE_ANEW, /* has begun somewhere else */
};

/* What the traditional balloon (virtio device 5) has to know beside the record. */
struct vballoon_traditional {
	enum vballoon_place places[2]; /* of inflateq and deflateq */
	uint32_t left_at[2]; /* as struct vballoon_queue.next */
	uint32_t begun_elsewhere; /* a bit for each of the two: with another device */
	uint64_t drivers; /* the number of the one that has begun; each has a greater one */
	__le32 actual, poison_val; /* as the driver last wrote them */
	bool actual_told; /* by the driver that the record is of */
	bool stats_seen; /* what the driver keeps in statsq was read */
	uint64_t stats_due_ms; /* the next request of its own */
	uint32_t round; /* of free page hints: the driver is in it; 0: in none */
	bool hints_done; /* the newest round is over */
};

/* What a message counts for beside its entries; and each of its descriptors, where these are more
 * than a message takes: each is looked at, and the host may have to make a page present for it. */
#define VBALLOON_WORK_MESSAGE_WORDS 32
#define VBALLOON_WORK_DESCRIPTOR_WORDS 8

/* A message, beside its entries, is part of what this run may do. */
static inline void vballoon_work_charge_message(struct vballoon_work *work,
						const struct vballoon_chain *chain)
{
	uint64_t words = (uint64_t)chain->count * VBALLOON_WORK_DESCRIPTOR_WORDS;

	if (words < VBALLOON_WORK_MESSAGE_WORDS)
		words = VBALLOON_WORK_MESSAGE_WORDS;
	vballoon_work_charge_words(work, words);
}

/* The chunk that is being looked through for something to drop; see drop.c. */
struct vballoon_drop {
	unsigned int region;
	uint64_t next; /* page */
	uint64_t end; /* page; next == end: no chunk */
	bool lingers; /* only whole blocks are dropped, until now_ms is that */
	uint64_t linger_until_ms;
	bool gone_on; /* the driver has, since its last message was answered */
	bool deferred; /* nothing is dropped, until it has or now_ms is that */
	uint64_t deferred_until_ms;
};

struct vballoon_device {
	struct vballoon_device_config config;
	const struct vballoon_protocol *protocol;
	uint64_t features; /* negotiated */
	struct vballoon_device *other; /* of the same guest; NULL: there is none */
	struct vballoon_memory memory;
	struct vballoon_summary summaries[VBALLOON_MEMORY_REGIONS_MAX]; /* as memory.regions */
	struct vballoon_journal *journal; /* the embedder's, or own_journal */
	enum vballoon_record proof;
	bool stopped_proven; /* the record was proven when a queue stopped, and none has started */
	bool unsettled; /* a message that a dead device had begun may not be answered yet */
	struct vballoon_device_ring rings[VBALLOON_QUEUES_MAX];
	bool used[VBALLOON_QUEUES_MAX]; /* buffers, since the last interrupt */
	enum vballoon_violation violation;
	unsigned int violation_queue;
	bool violation_told; /* to the embedder */
	struct vballoon_requests requests;
	uint32_t stats_period_ms; /* 0: nothing is to be pushed */
	struct vballoon_drop drop;
	bool inhibited; /* nothing is dropped, by the embedder's wish */
	struct vballoon_policy policy;
	struct vballoon_pace pace;
	uint64_t now_ms; /* as the embedder last told */
	bool drop_all; /* once, warm pages too */
	/* A WITHDRAW was cut short, and the driver was not told since that there is more. */
	bool withdraw_refused; /* for want of host memory */
	bool policy_refused[VBALLOON_WITHDRAW_REASONS];
	struct vballoon_status counters; /* only its counters and stats are kept up */
	struct vballoon_chain chain; /* of todevq, the one under work */
	struct vballoon_chain request_chain; /* of fromdevq, likewise */
	struct vballoon_work work;
	struct vballoon_traditional traditional;
	struct vballoon_journal own_journal; /* dies with the device */
};

/* A stretch of one region. */
struct vballoon_piece {
	unsigned int index; /* in memory.regions and summaries */
	struct vballoon_page_map map;
	uint64_t first; /* pages from the region's start */
	uint64_t count;
};

static inline bool vballoon_device_has(const struct vballoon_device *device, uint64_t feature)
{
	return device->features & feature;
}

static inline struct vballoon_entry_format
vballoon_device_entry_format(const struct vballoon_device *device)
{
	return (struct vballoon_entry_format){
		.page_shift = device->config.page_shift,
		.unit_shift = device->journal->record.unit_shift,
		.runs = vballoon_device_has(device, VBALLOON_F(PAGE_RUNS)),
	};
}

/* held.c: the record of pages, over all regions. */

/* Cut the first piece off *@pages pages at *@gpa, which are guest memory; false
 * when nothing is left. */
bool vballoon_held_piece(struct vballoon_device *device, uint64_t *gpa, uint64_t *pages,
			 struct vballoon_piece *piece_out);

/* Put @pages pages at @gpa, all of them guest memory, on the record. Returns how
 * many were not held before. */
uint64_t vballoon_held_add(struct vballoon_device *device, uint64_t gpa, uint64_t pages);

/* Take pages off the record: all of them held, none of them dropped. */
void vballoon_held_remove(struct vballoon_device *device, uint64_t gpa, uint64_t pages);

/* Whether all pages are guest memory and held. */
bool vballoon_held_all(struct vballoon_device *device, uint64_t gpa, uint64_t pages);

/* Whether any page that these @bytes, guest memory, lie in is held. */
bool vballoon_held_any(struct vballoon_device *device, uint64_t gpa, uint64_t bytes);

/* Balloon pages on the record. */
uint64_t vballoon_held_count(const struct vballoon_device *device);

/* Take pages off the record of which some may be off already. */
void vballoon_held_forget(struct vballoon_device *device, uint64_t gpa, uint64_t pages);

/* Nothing is held any more. */
void vballoon_held_clear(struct vballoon_device *device);

/* journal.c */

/* A step of the journal: what was written of it before this is written before what follows. */
void vballoon_journal_step(struct vballoon_device *device);

/* Begin an empty journal. */
void vballoon_journal_begin(struct vballoon_device *device);

/* Keep what has changed of what the driver was asked and told, and whether the record is
 * proven. */
void vballoon_journal_keep(struct vballoon_device *device);

/* Some pages are about to be dropped or restored; count 0: they were, or were not. */
void vballoon_journal_drop(struct vballoon_device *device, uint64_t gpa, uint64_t pages);
void vballoon_journal_restore(struct vballoon_device *device, uint64_t gpa, uint64_t pages);

/* save.c: a device's own part of a saved state, OWN_BYTES_MAX bytes. */
void vballoon_own_save(const struct vballoon_device *device, uint8_t *own);
void vballoon_own_load(struct vballoon_device *device, const uint8_t *own);

/* todevq.c: the chain that the answer in the journal is of was not used. */
void vballoon_todevq_undo(struct vballoon_device *device);

/* device.c: the record as a whole. */

/* A device in the caller's memory that has no journal yet; as vballoon_device_init(). */
int vballoon_device_make(void *storage, const struct vballoon_device_config *config,
			 struct vballoon_device **device_out);

/* The device has no record any more: nothing is held, a HELLO begins a new one. */
void vballoon_device_forget(struct vballoon_device *device);

/* There may be another guest, or none: as long as it has not spoken, nothing is
 * dropped or handed back. @stopped: nor may what it was asked have been seen. */
void vballoon_device_doubt(struct vballoon_device *device, bool stopped);

/* It is the guest of the record that speaks. The record is proven, unless a queue
 * that runs lies in it: then the guest does not keep to it. */
enum vballoon_violation vballoon_device_prove(struct vballoon_device *device);

/* Guest memory that the device knows, in balloon pages. */
uint64_t vballoon_device_memory_pages(const struct vballoon_device *device);

/* regions.c */

/* Add a region; its page map is another device's if @recover, else begun. Returns as
 * vballoon_device_add_region(). */
int vballoon_regions_insert(struct vballoon_device *device, const struct vballoon_region *region,
			    bool recover);

/* The next extent of guest memory: regions that touch are one. @next is where to go on,
 * 0 to begin with. False: there is none. */
bool vballoon_regions_extent(const struct vballoon_device *device, unsigned int *next,
			     struct vballoon_saved_extent *extent_out);

/* entries.c: what the driver names. */

/* Whether the driver may name these units for its own; else why not. */
bool vballoon_entry_is_drivers(const struct vballoon_device *device,
			       const struct vballoon_entry *entry,
			       enum vballoon_refusal *cause_out);

/* Whether they are whole units of guest memory. */
bool vballoon_entry_is_memory(const struct vballoon_device *device,
			      const struct vballoon_entry *entry, enum vballoon_refusal *cause_out);

/* What an entry names, in bytes and in balloon pages. */
static inline uint64_t vballoon_entry_bytes(const struct vballoon_device *device,
					    const struct vballoon_entry *entry)
{
	return entry->units << device->journal->record.unit_shift;
}

static inline uint64_t vballoon_entry_pages(const struct vballoon_device *device,
					    const struct vballoon_entry *entry)
{
	return vballoon_entry_bytes(device, entry) >> device->config.page_shift;
}

/* queues.c */

/* Whether a queue that runs lies in any of these bytes, which do not wrap. */
bool vballoon_queues_touch(const struct vballoon_device *device, uint64_t gpa, uint64_t bytes);

/* Whether any queue runs. */
bool vballoon_queues_run(const struct vballoon_device *device);

/* Whether a queue was to run and cannot: then the device stays stopped. */
bool vballoon_queues_lame(const struct vballoon_device *device);
/* Whether a queue that runs lies in pages that are held. */
bool vballoon_queues_held(struct vballoon_device *device);

/* The chain that is taken from a queue. */
struct vballoon_chain *vballoon_device_chain(struct vballoon_device *device, unsigned int index);

/* Take the next chain of a queue. False: there is none, or the device has stopped. */
bool vballoon_device_next(struct vballoon_device *device, unsigned int index);

/* The driver broke the protocol: the device stops, unless it had already. */
void vballoon_device_violate(struct vballoon_device *device, unsigned int index,
			     enum vballoon_violation violation);

/* The same for what the chain just taken says: its ring stands still there. */
void vballoon_device_refuse(struct vballoon_device *device, unsigned int index,
			    enum vballoon_violation violation);

/* Give the chain under work back: 0, or a negative errno, and the device has stopped. */
int vballoon_device_use(struct vballoon_device *device, unsigned int index);

/* Append a byte to the answer, for which there is room. */
enum vballoon_violation vballoon_device_verdict(struct vballoon_device *device, uint8_t byte);

/* Raise the interrupts that the driver wants, and tell the embedder of a stop. */
void vballoon_device_notify(struct vballoon_device *device);

/* policy.c */

/* The target, the guest or the pace is another: begin with what may be asked now. */
void vballoon_device_ask(struct vballoon_device *device);

/* Ask for more when it is time. */
void vballoon_policy_run(struct vballoon_device *device);

/* How many of @most pages a driver may have that asks for @reason; counted. */
uint64_t vballoon_policy_grant(struct vballoon_device *device, enum vballoon_withdraw_reason reason,
			       uint64_t most);

/* todevq.c: struct vballoon_protocol.answer and .leave. */
bool vballoon_todevq_run(struct vballoon_device *device);
void vballoon_todevq_leave(struct vballoon_device *device);

/* clear.c: zeros, as F_ZEROED promises them. */

/* What became of work that may take more than one run. */
enum vballoon_progress {
	VBALLOON_DONE,
	VBALLOON_UNFINISHED, /* this run may do no more */
	VBALLOON_FAILED, /* for want of host memory */
};

/* Clear [*@at, @end), which is guest memory; *@at goes on as it is done. What cannot be
 * cleared is the host page that it lies in then. */
enum vballoon_progress vballoon_clear(struct vballoon_device *device, uint64_t *at, uint64_t end);

/* Where the host page ends that @gpa, guest memory, lies in. */
uint64_t vballoon_host_page_end(const struct vballoon_device *device, uint64_t gpa);

/* discard.c: a step of work->at to work->end, which are guest memory and not held: given
 * back to the host, or work->keep_end tells how far it is not. */
enum vballoon_progress vballoon_discard_step(struct vballoon_device *device);

/* The message is done, and counts. */
void vballoon_discard_count(struct vballoon_device *device);

/* stats.c: a statistic was reported; of one that the library does not keep nothing is. */
void vballoon_stats_set(struct vballoon_stats *stats, unsigned int place, uint64_t value);

/* requests.c */

/* struct vballoon_protocol.ask: send what is to be sent, as far as the driver has posted
 * buffers. */
void vballoon_requests_run(struct vballoon_device *device);

/* Whether a RESET is to be sent as soon as the driver posts a buffer. */
bool vballoon_requests_reset_waits(const struct vballoon_device *device);

/* struct vballoon_protocol.due_ms: when a driver has been silent for too long. */
uint64_t vballoon_requests_due_ms(const struct vballoon_device *device);

/* The driver is to learn the target (again). */
void vballoon_requests_resize(struct vballoon_device *device);

/* The driver is to learn for how long it pushes statistics, if it has the feature. */
void vballoon_requests_period(struct vballoon_device *device);

/* The driver is to say HELLO; asked once until it does. */
void vballoon_requests_hello(struct vballoon_device *device);

/* drop.c */

/* Drop a bounded amount. Returns whether more may be left. */
bool vballoon_drop_run(struct vballoon_device *device);

/* Drop what is whole host pages of these pages, which are held and about to be answered,
 * whatever was dropped of them before. Charges the work. */
void vballoon_drop_at_once(struct vballoon_device *device, uint64_t gpa, uint64_t pages);

/* Pages were added one message of many: those behind them may complete their blocks. */
void vballoon_drop_linger(struct vballoon_device *device);

/* A message was answered: a driver that has waited for that is to go on first. */
void vballoon_drop_defer(struct vballoon_device *device);

/* It has: its next message is some time away. */
void vballoon_drop_go_on(struct vballoon_device *device);

/* When what waits for neighbours, or for the driver to go on, is to be dropped without;
 * VBALLOON_NEVER. */
uint64_t vballoon_drop_due_ms(const struct vballoon_device *device);

/* Whether anything is left to look through, and may be. */
bool vballoon_drop_waits(const struct vballoon_device *device);

/* The regions are about to change: leave the chunk, to be looked through again. */
void vballoon_drop_leave(struct vballoon_device *device);

/* Whether what may be dropped is not, for now; and then for which cause. */
bool vballoon_drop_is_held_back(const struct vballoon_device *device,
				enum vballoon_reclaimable *cause_out);

/* Whether pages of a region are ever dropped. */
bool vballoon_drop_allowed(const struct vballoon_device *device,
			   const struct vballoon_region *region);

/* restore.c */

/* Make [*@at, @end), held pages, usable for the driver: what was dropped gets memory again,
 * what was not is cleared if zeros are promised. *@at goes on as it is done. */
enum vballoon_progress vballoon_restore(struct vballoon_device *device, uint64_t *at, uint64_t end);

/* What was restored is the driver's now, or (@given false) it was not enough, and stays. */
void vballoon_restore_settle(struct vballoon_device *device, bool given);

/* The driver does not get what it could have: there is no host memory for it. */
void vballoon_restore_refuse(struct vballoon_device *device);

/* The message is done: tell a driver that was refused before whether it could have more. */
void vballoon_restore_end(struct vballoon_device *device);

/*
 * The handlers of todevq messages, each in its own file. The chain is read up to
 * behind the message's header; type, flags and lengths were checked. They write
 * the answer, which their caller then gives to the driver. Each returns
 * VBALLOON_OK or why the device stops.
 */
enum vballoon_violation vballoon_message_hello(struct vballoon_device *device, uint32_t flags);
enum vballoon_violation vballoon_message_add(struct vballoon_device *device, uint32_t flags);
enum vballoon_violation vballoon_message_withdraw(struct vballoon_device *device, uint32_t flags);
enum vballoon_violation vballoon_message_stats(struct vballoon_device *device, uint32_t flags);

enum vballoon_violation vballoon_message_exchange(struct vballoon_device *device, uint32_t flags);
enum vballoon_violation vballoon_message_report(struct vballoon_device *device, uint32_t flags);
enum vballoon_violation vballoon_message_report_done(struct vballoon_device *device,
						     uint32_t flags);

/* Go on with a message that was left unfinished. */
enum vballoon_violation vballoon_add_resume(struct vballoon_device *device);
enum vballoon_violation vballoon_withdraw_resume(struct vballoon_device *device);
enum vballoon_violation vballoon_exchange_resume(struct vballoon_device *device);
enum vballoon_violation vballoon_report_resume(struct vballoon_device *device);

/* The answer did not reach the driver: whose pages were whose holds again. */
void vballoon_withdraw_undo(struct vballoon_device *device);
void vballoon_exchange_undo(struct vballoon_device *device);

#endif /* VBALLOON_DEVICE_CORE_H */
