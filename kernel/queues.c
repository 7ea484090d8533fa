// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The two virtqueues: requests come in on fromdevq, messages go out and are
 * answered on todevq.
 */
#include <linux/scatterlist.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "vballoon.h"

/* WITHDRAW, EXCHANGE, STATS, REPORT (with verdicts) and REPORT_DONE always find room,
 * whatever the ADDs do; HELLO goes when nothing else is in flight.
 */
#define RESERVED_DESCRIPTORS 8
#define ADD_DESCRIPTORS 2
/* A device that takes longer is taken for dead. */
#define SILENT_JIFFIES (30 * HZ)

static void fromdevq_used(struct virtqueue *vq)
{
	vballoon_wake(vq->vdev->priv);
}

/* Those who wait for an answer look for theirs. */
static void answers_tell(struct vballoon *b)
{
	atomic_inc(&b->answers);
	wake_up_all(&b->answered);
}

static void todevq_used(struct virtqueue *vq)
{
	struct vballoon *b = vq->vdev->priv;

	answers_tell(b);
	vballoon_wake(b);
}

/* Keeps DRV-WITHDRAW-2. */
int vballoon_queues_start(struct vballoon *b)
{
	vq_callback_t *callbacks[] = { fromdevq_used, todevq_used };
	static const char *const names[] = { "fromdevq", "todevq" };
	struct virtqueue *vqs[VIRTIO_MEMORY_BALLOON_VQ_COUNT];
	unsigned int size;
	int err;

	err = vballoon_find_two_vqs(b->vdev, vqs, callbacks, names);
	if (err)
		return err;
	size = virtqueue_get_vring_size(vqs[VIRTIO_MEMORY_BALLOON_VQ_TODEV]);
	if (size < RESERVED_DESCRIPTORS + ADD_DESCRIPTORS) {
		dev_err(&b->vdev->dev, "todevq is too small: %u\n", size);
		b->vdev->config->del_vqs(b->vdev);
		return -ENOSPC;
	}
	b->adds = min((size - RESERVED_DESCRIPTORS) / ADD_DESCRIPTORS, VBALLOON_ADDS);
	b->fromdevq = vqs[VIRTIO_MEMORY_BALLOON_VQ_FROMDEV];
	b->todevq = vqs[VIRTIO_MEMORY_BALLOON_VQ_TODEV];
	b->in_flight = 0;
	return 0;
}

/* The device has been reset: it has forgotten the buffers, let us do so too. */
void vballoon_queues_stop(struct vballoon *b)
{
	struct vballoon_message *message;

	while (virtqueue_detach_unused_buf(b->fromdevq))
		;
	while ((message = virtqueue_detach_unused_buf(b->todevq)))
		message->in_flight = false;
	b->vdev->config->del_vqs(b->vdev);
	b->fromdevq = NULL;
	b->todevq = NULL;
	answers_tell(b);
}

/* Keeps DRV-REQ-2. */
static void request_post(struct vballoon *b, struct virtio_memory_balloon_req *req)
{
	struct scatterlist sg;

	sg_init_one(&sg, req, sizeof(*req));
	virtqueue_add_inbuf(b->fromdevq, &sg, 1, req, GFP_ATOMIC);
}

/* Keeps DRV-REQ-1. */
void vballoon_queues_post(struct vballoon *b)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_REQUESTS && b->fromdevq->num_free; i++)
		request_post(b, &b->request[i]);
	virtqueue_kick(b->fromdevq);
}

/* Keeps DRV-REQ-6. */
static void resize_request(struct vballoon *b, const struct virtio_memory_balloon_req *req)
{
	vballoon_decide_resize(&b->decide, le64_to_cpu(req->value));
}

static void stats_request(struct vballoon *b, const struct virtio_memory_balloon_req *req)
{
	if (virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_PUSH_STATS))
		vballoon_stats_set_period(b, le64_to_cpu(req->value));
	vballoon_stats_request(b, le32_to_cpu(req->flags));
}

static void report_request(struct vballoon *b, const struct virtio_memory_balloon_req *req)
{
	vballoon_report_begin(b, le64_to_cpu(req->value));
}

/* Keeps DRV-REQ-10. */
static void hello_request(struct vballoon *b, const struct virtio_memory_balloon_req *req)
{
	vballoon_decide_ask_held(&b->decide);
	b->hello.due = true;
}

/* Keeps DRV-REQ-11. */
static void reset_request(struct vballoon *b, const struct virtio_memory_balloon_req *req)
{
	dev_warn(&b->vdev->dev, "the device has stopped: resetting it\n");
	vballoon_restart(b);
}

/* By VIRTIO_MEMORY_BALLOON_REQ_*; others are ignored. */
static void (*const request_handler[])(struct vballoon *b,
				       const struct virtio_memory_balloon_req *req) = {
	[VIRTIO_MEMORY_BALLOON_REQ_RESIZE] = resize_request,
	[VIRTIO_MEMORY_BALLOON_REQ_STATS] = stats_request,
	[VIRTIO_MEMORY_BALLOON_REQ_REPORT] = report_request,
	[VIRTIO_MEMORY_BALLOON_REQ_HELLO] = hello_request,
	[VIRTIO_MEMORY_BALLOON_REQ_RESET] = reset_request,
};

/* Read requests, a bounded number of them. True: there may be more.
 * Keeps DRV-RING-4, DRV-REQ-3, DRV-REQ-4, DRV-BAD-9.
 */
bool vballoon_requests_poll(struct vballoon *b)
{
	struct virtio_memory_balloon_req *buffer, req;
	unsigned int budget = VBALLOON_REQUESTS;
	u32 len, type;

	while (b->running && budget && (buffer = virtqueue_get_buf(b->fromdevq, &len))) {
		req = *buffer;
		request_post(b, buffer);
		budget--;
		type = le32_to_cpu(req.type);
		if (len >= sizeof(req) && type < ARRAY_SIZE(request_handler) &&
		    request_handler[type])
			request_handler[type](b, &req);
	}
	if (b->running && budget < VBALLOON_REQUESTS)
		virtqueue_kick(b->fromdevq);
	return b->running && !budget;
}

/* No interrupt comes for an answer that is found before the device would have raised it:
 * whoever waits for that one has to be told here. True: there was one.
 */
bool vballoon_answers_poll(struct vballoon *b)
{
	struct vballoon_message *message;
	bool found = false;
	u32 len;

	while (b->running && (message = virtqueue_get_buf(b->todevq, &len))) {
		message->in_flight = false;
		b->in_flight--;
		found = true;
		message->answered(b, message, len);
	}
	if (found)
		answers_tell(b);
	return found;
}

/* Until the message is answered, or the device is reset. Under the lock, which is
 * dropped meanwhile. False: it still is in flight. Needs no worker, so that it goes on
 * while they are frozen or wait for memory.
 */
bool vballoon_message_wait(struct vballoon *b, struct vballoon_message *message,
			   unsigned long jiffies_at_most)
{
	unsigned long until = jiffies + jiffies_at_most;

	for (;;) {
		int seen = atomic_read(&b->answers);
		unsigned long now;

		/* The worker goes on from what it did not find itself. */
		if (vballoon_answers_poll(b))
			vballoon_wake(b);
		if (!message->in_flight)
			return true;
		now = jiffies;
		if (time_after_eq(now, until))
			return false;
		mutex_unlock(&b->lock);
		wait_event_timeout(b->answered, atomic_read(&b->answers) != seen, until - now);
		mutex_lock(&b->lock);
	}
}

/* Until the message is answered, or the device is reset, which it is when it takes too
 * long: nothing else brings back what the message names. Under the lock, as above.
 */
void vballoon_message_await(struct vballoon *b, struct vballoon_message *message)
{
	while (message->in_flight && !vballoon_message_wait(b, message, SILENT_JIFFIES)) {
		if (!b->running)
			continue; /* it is being reset */
		dev_warn(&b->vdev->dev, "the device is silent: resetting it\n");
		vballoon_restart(b);
	}
}

/* Make a message available. There is room for each: nothing else can go wrong
 * than the device itself, which a reset then gets over.
 * Keeps DRV-RING-1, DRV-RING-2, DRV-MSG-1.
 */
void vballoon_message_send(struct vballoon *b, struct vballoon_message *message, void *out,
			   size_t out_len, void *in, size_t in_len)
{
	struct scatterlist out_sg, in_sg;
	struct scatterlist *sgs[] = { &out_sg, &in_sg };
	int err;

	sg_init_one(&out_sg, out, out_len);
	if (in_len)
		sg_init_one(&in_sg, in, in_len);
	err = virtqueue_add_sgs(b->todevq, sgs, 1, in_len ? 1 : 0, message, GFP_ATOMIC);
	if (err) {
		vballoon_fail(b, "it does not take messages");
		return;
	}
	message->in_flight = true;
	b->in_flight++;
	virtqueue_kick(b->todevq);
}

/* At most run_units of them. */
__le64 vballoon_entry_encode(const struct vballoon *b, u64 unit, u32 units)
{
	return cpu_to_le64((unit << b->unit_shift) | (units - 1));
}

/* What an entry names. False if it is no multiple of a unit. */
bool vballoon_entry_decode(const struct vballoon *b, u64 entry, struct vballoon_run *run)
{
	u64 count_mask = b->page_runs ? BIT_ULL(b->page_shift) - 1 : 0;
	u64 address = entry & ~count_mask;

	run->unit = address >> b->unit_shift;
	run->units = (entry & count_mask) + 1;
	return run->unit << b->unit_shift == address;
}
