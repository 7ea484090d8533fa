/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user front end for tests (src/front_end) that fails the test where something
 * does not work. It speaks to a back end in the same process over a socket pair, so
 * that every step is where the test puts it.
 *
 * The guest has one region of memory, a memfd, at GUEST_BASE: its rings lie in
 * the first pages, then messages, and its balloon begins at GUEST_BALLOON.
 */
#ifndef VBALLOON_TESTS_FRONT_END_H
#define VBALLOON_TESTS_FRONT_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/vhost_user.h>

#include "front_end/front_end.h"

#define GUEST_PAGE 4096U
#define GUEST_BASE UINT64_C(0x40000000)
#define GUEST_BYTES (8U << 20)
#define GUEST_RING_BYTES VBALLOON_FRONT_RING_BYTES /* of each queue, at GUEST_BASE */
#define GUEST_MESSAGES (GUEST_BASE + 0x10000)
#define GUEST_BALLOON (GUEST_BASE + 0x100000)

#define FRONT_END_QUEUE_SIZE VBALLOON_FRONT_QUEUE_SIZE
#define FRONT_END_FEATURES (UINT64_C(1) << 32 | UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES)
#define FRONT_END_PROTOCOL_FEATURES                                                                \
	(UINT64_C(1) << VHOST_USER_PROTOCOL_F_MQ |                                                 \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_LOG_SHMFD |                                          \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_REPLY_ACK |                                          \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_BACKEND_REQ |                                        \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_CONFIG |                                             \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_RESET_DEVICE |                                       \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS |                                \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_STATUS |                                             \
	 UINT64_C(1) << VHOST_USER_PROTOCOL_F_DEVICE_STATE)

struct front_end {
	struct vballoon_front_end wire; /* what speaks */
	struct vballoon_vhost_user *back_end; /* NULL: freed, or in another process */
	int outcome; /* what process() last returned */
	/* What wire has, for short. */
	int socket, memory_fd;
	unsigned char *memory; /* GUEST_BYTES, as the guest sees it */
	struct vballoon_front_queue *queues;
	struct vhost_user_region region; /* the guest's memory, as it is sent */
	unsigned int log_lines; /* that the back end has written */
	char last_log[256];
};

/* A new back end, and nothing said to it. */
void front_end_open(struct front_end *front_end);

/* The same for another device of virtio. */
void front_end_open_device(struct front_end *front_end, uint32_t device_id, unsigned int queues);

/* The same over a socket that is connected to a back end in another process:
 * then answers are waited for, and what is in the back end cannot be seen. */
void front_end_open_socket(struct front_end *front_end, int socket);
/* And with so many queues. */
void front_end_open_queues(struct front_end *front_end, int socket, unsigned int queues);

/* Close and free everything, the back end among it. */
void front_end_close(struct front_end *front_end);

/* The guest's memory mapped privately, as by a monitor that forgot share=on. */
void front_end_unshare_memory(struct front_end *front_end);

/* Have the back end process until it has nothing left to do. */
void front_end_pump(struct front_end *front_end);

/* Send a message as it is, and have the back end process it. */
void front_end_send(struct front_end *front_end, uint32_t request, uint32_t flags,
		    const void *payload, uint32_t size, const int *fds, unsigned int fd_count);

/* The next message of the back end: its payload's size; -1 when there is none. */
int front_end_receive(struct front_end *front_end, uint32_t request, void *payload,
		      uint32_t capacity);

/* Whether the connection is over, by the back end's doing. */
bool front_end_refused(const struct front_end *front_end);

/* The usual messages; each fails the test when the back end refuses it. */
void front_end_set_u64(struct front_end *front_end, uint32_t request, uint64_t value);
uint64_t front_end_get_u64(struct front_end *front_end, uint32_t request);
/* With need_reply: the answer, 0 or an error. */
uint64_t front_end_ask(struct front_end *front_end, uint32_t request, const void *payload,
		       uint32_t size, const int *fds, unsigned int fd_count);
void front_end_set_state(struct front_end *front_end, uint32_t request, uint32_t index,
			 uint32_t num);
void front_end_set_event(struct front_end *front_end, uint32_t request, unsigned int index, int fd);
void front_end_set_mem_table(struct front_end *front_end, const struct vhost_user_region *regions,
			     const int *fds, unsigned int count);
void front_end_set_vring_addr(struct front_end *front_end, unsigned int index, uint32_t flags);
uint32_t front_end_get_vring_base(struct front_end *front_end, unsigned int index);

/* The beginning of every connection: features, for new rings too, and guest memory. */
void front_end_negotiate(struct front_end *front_end, uint64_t features);

/* Start a queue at @base with the ring as it is; with front_end_new_ring() before,
 * a new one. */
void front_end_start_queue(struct front_end *front_end, unsigned int index, uint32_t base);
void front_end_new_ring(struct front_end *front_end, unsigned int index);

/* Stop a queue as QEMU does: disable it, then ask for its base. */
uint32_t front_end_stop_queue(struct front_end *front_end, unsigned int index);

/* All of the above: both queues run on new rings, as the features have them; FRONT_END_FEATURES
 * has them split. */
void front_end_start_with(struct front_end *front_end, uint64_t features);
void front_end_start(struct front_end *front_end);

/* A driver has made something available. */
void front_end_kick(struct front_end *front_end, unsigned int index);

/* Collect a buffer that the device has used: as vballoon_driver_ring_collect(). A
 * back end in another process is waited for, until it raises the queue's error. */
int front_end_collect(struct front_end *front_end, unsigned int index, uint32_t *written_out);

/* Whether an event was raised since it was last asked for. */
bool front_end_event_raised(int fd);

/* What the host holds of the guest's memory, in bytes. */
uint64_t front_end_memory_held(const struct front_end *front_end);

#endif /* VBALLOON_TESTS_FRONT_END_H */
