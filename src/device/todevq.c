/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's messages: framing, the checks they share, and who handles them. */
#include "base/le.h"
#include "device/core.h"

#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV

#define STATS_ENTRIES_MAX 256

/* What a message must look like, and who answers it. */
struct message {
	uint64_t feature; /* must be negotiated; 0: base protocol */
	uint64_t flags_feature; /* without it no flag may be set */
	uint32_t flags_max; /* the largest value that is known */
	uint32_t readable; /* bytes behind the header, at least */
	uint32_t entry; /* bytes of an entry behind those; 0: there are none */
	uint32_t entries_max;
	uint64_t writable_min; /* bytes */
	uint64_t writable_max;
	bool verdicts; /* a byte for each entry, for which there is to be room */
	bool needs_record; /* before HELLO it is answered with nothing */
	enum vballoon_violation (*handle)(struct vballoon_device *device, uint32_t flags);
	enum vballoon_violation (*resume)(struct vballoon_device *device); /* if left unfinished */
	void (*undo)(struct vballoon_device *device); /* the answer was lost; may be NULL */
};

/* Keeps DEV-FEAT-4, DEV-FEAT-6, DEV-MSG-11, DEV-MSG-12, DEV-REASON-2, DEV-STATS-3. */
static const struct message messages[] = {
	[VIRTIO_MEMORY_BALLOON_MSG_HELLO] = {
		.flags_max = VIRTIO_MEMORY_BALLOON_HELLO_START_OVER,
		.readable = sizeof(struct virtio_memory_balloon_hello) -
			    sizeof(struct virtio_memory_balloon_msg),
		.writable_min = sizeof(struct virtio_memory_balloon_hello_answer),
		.writable_max = UINT64_MAX,
		.handle = vballoon_message_hello,
	},
	[VIRTIO_MEMORY_BALLOON_MSG_ADD] = {
		.entry = sizeof(__le64),
		.entries_max = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX,
		.writable_max = UINT64_MAX,
		.needs_record = true,
		.handle = vballoon_message_add,
		.resume = vballoon_add_resume,
	},
	[VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW] = {
		.flags_feature = VBALLOON_F(WITHDRAW_REASON),
		.flags_max = VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM,
		.readable = sizeof(struct virtio_memory_balloon_withdraw) -
			    sizeof(struct virtio_memory_balloon_msg),
		.writable_max = UINT64_MAX,
		.needs_record = true,
		.handle = vballoon_message_withdraw,
		.resume = vballoon_withdraw_resume,
		.undo = vballoon_withdraw_undo,
	},
	[VIRTIO_MEMORY_BALLOON_MSG_STATS] = {
		.flags_max = UINT32_MAX, /* a cookie */
		.entry = sizeof(struct virtio_memory_balloon_stat),
		.entries_max = STATS_ENTRIES_MAX,
		.needs_record = true,
		.handle = vballoon_message_stats,
	},
	[VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE] = {
		.feature = VBALLOON_F(EXCHANGE),
		.entry = sizeof(struct virtio_memory_balloon_pair),
		.entries_max = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX,
		.writable_max = UINT64_MAX,
		.verdicts = true,
		.needs_record = true,
		.handle = vballoon_message_exchange,
		.resume = vballoon_exchange_resume,
		.undo = vballoon_exchange_undo,
	},
	[VIRTIO_MEMORY_BALLOON_MSG_REPORT] = {
		.feature = VBALLOON_F(REPORTING),
		.entry = sizeof(__le64),
		.entries_max = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX,
		.writable_max = UINT64_MAX,
		.needs_record = true,
		.handle = vballoon_message_report,
		.resume = vballoon_report_resume,
	},
	[VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE] = {
		.feature = VBALLOON_F(REPORTING),
		.readable = sizeof(struct virtio_memory_balloon_report_done) -
			    sizeof(struct virtio_memory_balloon_msg),
		.needs_record = true,
		.handle = vballoon_message_report_done,
	},
};

/* The message's row, or NULL for a type that is unknown or not negotiated.
 * Keeps DEV-MSG-5. */
static const struct message *find_message(const struct vballoon_device *device, uint32_t type)
{
	const struct message *message;

	if (type >= sizeof(messages) / sizeof(messages[0]))
		return NULL;
	message = &messages[type];
	if ((message->feature & device->features) != message->feature)
		return NULL;
	return message;
}

/* Keeps DEV-MSG-6, DEV-REASON-1. */
static bool flags_known(const struct vballoon_device *device, const struct message *message,
			uint32_t flags)
{
	if (!flags)
		return true;
	if ((message->flags_feature & device->features) != message->flags_feature)
		return false;
	return flags <= message->flags_max;
}

/* What a driver may not send.
 * Keeps DEV-MSG-3, DEV-MSG-4, DEV-MSG-7, DEV-MSG-8, DEV-MSG-9, DEV-MSG-11, DEV-MSG-12,
 * DEV-EXCHANGE-4. */
static enum vballoon_violation check(const struct vballoon_device *device,
				     const struct message *message, uint32_t flags)
{
	const struct vballoon_chain *chain = &device->chain;
	uint64_t rest = chain->readable_len - chain->read_done;

	if (!flags_known(device, message, flags))
		return VBALLOON_MESSAGE_FLAGS;
	if (rest < message->readable)
		return VBALLOON_MESSAGE_SHORT;
	rest -= message->readable;
	if (message->entry ? rest % message->entry || rest / message->entry > message->entries_max
			   : rest != 0)
		return VBALLOON_MESSAGE_LENGTH;
	if (message->verdicts && chain->writable_len < rest / message->entry)
		return VBALLOON_MESSAGE_DIRECTION;
	if (chain->writable_len < message->writable_min ||
	    chain->writable_len > message->writable_max)
		return VBALLOON_MESSAGE_DIRECTION;
	return VBALLOON_OK;
}

/* Any message but HELLO proves the record by not being HELLO; without a record it
 * asks for one.
 * Keeps DEV-HELLO-10, DEV-STOP-7. */
static enum vballoon_violation learn_from(struct vballoon_device *device,
					  const struct message *message)
{
	if (!message->needs_record)
		return VBALLOON_OK;
	if (device->proof != VBALLOON_RECORD_NONE)
		return vballoon_device_prove(device);
	vballoon_requests_hello(device);
	return VBALLOON_OK;
}

/* The work of a message begins. */
static void begin(struct vballoon_device *device, uint32_t type)
{
	device->work = (struct vballoon_work){
		.type = type,
		.steps_left = device->work.steps_left,
		.bytes_left = device->work.bytes_left,
		.units_left = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX,
	};
	device->journal->answer_count = 0;
	vballoon_journal_order();
	device->journal->answer_type = type;
	device->journal->answer_queue = TODEV;
	device->journal->answer_at = device->rings[TODEV].taken;
	vballoon_journal_order();
}

/* Keeps DEV-MSG-10. */
static enum vballoon_violation handle(struct vballoon_device *device)
{
	struct vballoon_chain *chain = &device->chain;
	struct virtio_memory_balloon_msg header;
	const struct message *message;
	enum vballoon_violation violation;
	uint32_t flags;

	if (!chain->readable_len)
		return VBALLOON_MESSAGE_DIRECTION;
	if (chain->readable_len < sizeof(header))
		return VBALLOON_MESSAGE_SHORT;
	if (vballoon_chain_read(&device->memory, chain, &header, sizeof(header)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	message = find_message(device, vballoon_le32(header.type));
	if (!message)
		return VBALLOON_MESSAGE_TYPE;
	flags = vballoon_le32(header.flags);
	violation = check(device, message, flags);
	if (violation)
		return violation;
	begin(device, (uint32_t)(message - messages));
	violation = learn_from(device, message);
	return violation ? violation : message->handle(device, flags);
}

/* The message under work was not answered, and must not have had an effect that only its
 * answer tells of. */
static void undo(struct vballoon_device *device)
{
	const struct message *message = &messages[device->work.type];

	if (message->undo)
		message->undo(device);
}

/* Work on the message in the chain under work, and answer it unless it is left unfinished.
 * Keeps DEV-RING-3, DEV-MSG-13. */
static void answer(struct vballoon_device *device)
{
	bool resumes = device->work.unfinished;
	enum vballoon_violation violation;

	device->work.unfinished = false;
	violation = resumes ? messages[device->work.type].resume(device) : handle(device);
	if (violation) {
		device->work.unfinished = false;
		undo(device);
		vballoon_device_refuse(device, TODEV, violation);
	} else if (!device->work.unfinished) {
		if (vballoon_device_use(device, TODEV))
			undo(device);
		/* What the driver has is not undone for a bad message behind it. */
		device->journal->answer_count = 0;
	}
}

void vballoon_todevq_undo(struct vballoon_device *device)
{
	uint32_t type = device->journal->answer_type;

	if (type < sizeof(messages) / sizeof(messages[0]) && messages[type].undo)
		messages[type].undo(device);
}

void vballoon_todevq_leave(struct vballoon_device *device)
{
	if (!device->work.unfinished)
		return;
	device->work.unfinished = false;
	undo(device);
	vballoon_device_ring_put_back(&device->rings[TODEV]);
}

/* Keeps DEV-RING-5, DEV-MSG-1, DEV-BAD-1. */
bool vballoon_todevq_run(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;

	work->steps_left = VBALLOON_RUN_STEPS;
	work->bytes_left = VBALLOON_RUN_BYTES;
	while (!device->violation && work->steps_left && work->bytes_left) {
		if (!work->unfinished && !vballoon_device_next(device, TODEV))
			return false;
		answer(device);
		if (work->unfinished)
			return true;
		vballoon_work_charge_message(work, &device->chain);
	}
	return !device->violation;
}
