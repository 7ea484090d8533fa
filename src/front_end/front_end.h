/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user front end with a guest's memory and a driver's side of each queue:
 * what a virtual machine monitor has, without a virtual machine.
 *
 * The memory is one memfd, mapped as a whole; the rings lie at its beginning, one
 * stretch of VBALLOON_FRONT_RING_BYTES a queue. Which guest addresses it has is the
 * caller's choice, region by region.
 *
 * A function that sends returns 0, or a negative errno of vballoon_link_send(); one
 * that waits for an answer may also return what vballoon_link_receive() does.
 */
#ifndef VBALLOON_FRONT_END_FRONT_END_H
#define VBALLOON_FRONT_END_FRONT_END_H

#include <vballoon/queue.h>

#include "front_end/link.h"
#include "ring/driver_ring.h"

#define VBALLOON_FRONT_QUEUES_MAX 5U /* as many as a balloon of device ID 5 has */
#define VBALLOON_FRONT_QUEUE_SIZE 64U
#define VBALLOON_FRONT_RING_BYTES ((size_t)8192)
#define VBALLOON_FRONT_REGIONS_MAX VHOST_USER_FDS_MAX

struct vballoon_front_queue {
	int kick, call, err; /* event descriptors, owned */
	unsigned char *ring; /* VBALLOON_FRONT_RING_BYTES of guest memory */
	struct vballoon_driver_ring driver;
	struct vballoon_driver_slot slots[VBALLOON_FRONT_QUEUE_SIZE];
	uint16_t links[VBALLOON_FRONT_QUEUE_SIZE];
};

struct vballoon_front_end {
	struct vballoon_link link;
	int memory_fd; /* owned */
	unsigned char *memory; /* as the guest sees it */
	uint64_t memory_bytes;
	struct vhost_user_region regions[VBALLOON_FRONT_REGIONS_MAX];
	unsigned int region_count;
	struct vballoon_ring_features ring_features; /* of the rings that are made next */
	unsigned int queue_count;
	struct vballoon_front_queue queues[VBALLOON_FRONT_QUEUES_MAX];
};

/* Where the parts of a queue's ring lie in its memory. */
#define VBALLOON_FRONT_DESC 0U
#define VBALLOON_FRONT_AVAIL ((size_t)VBALLOON_FRONT_QUEUE_SIZE * 16)
#define VBALLOON_FRONT_USED 4096U

/* Begin over a connected @socket, which is owned from here on, with @regions of guest
 * memory: their mmap_offset says where in the memfd they lie, the first begins at 0 and
 * has the rings; user_addr is filled in. Returns 0, or a negative errno and owns nothing
 * but the socket, which is closed. */
int vballoon_front_end_open(struct vballoon_front_end *front_end, int socket,
			    const struct vhost_user_region *regions, unsigned int region_count,
			    unsigned int queue_count);
void vballoon_front_end_close(struct vballoon_front_end *front_end);

/* The same over memory of the caller's: an empty file, owned from here on. */
int vballoon_front_end_open_on(struct vballoon_front_end *front_end, int socket, int memory_fd,
			       const struct vhost_user_region *regions, unsigned int region_count,
			       unsigned int queue_count);

/* Go on over another connected @socket, with memory and rings as they are. */
void vballoon_front_end_rejoin(struct vballoon_front_end *front_end, int socket);

/* Map the memory again, @how as in mmap(): 0 or a negative errno. */
int vballoon_front_end_map(struct vballoon_front_end *front_end, int how);

/* The host's view of guest address @gpa; NULL when no region has it. */
void *vballoon_front_end_at(const struct vballoon_front_end *front_end, uint64_t gpa);

int vballoon_front_end_set_u64(struct vballoon_front_end *front_end, uint32_t request,
			       uint64_t value);
int vballoon_front_end_set_state(struct vballoon_front_end *front_end, uint32_t request,
				 uint32_t index, uint32_t num);
/* SET_VRING_KICK, CALL or ERR; @fd may be -1 for none. */
int vballoon_front_end_set_event(struct vballoon_front_end *front_end, uint32_t request,
				 unsigned int index, int fd);
/* At most VHOST_USER_FDS_MAX regions; as many descriptors. */
int vballoon_front_end_set_mem_table(struct vballoon_front_end *front_end,
				     const struct vhost_user_region *regions, const int *fds,
				     unsigned int count);
/* The guest's own memory. */
int vballoon_front_end_share_memory(struct vballoon_front_end *front_end);

/* Where the ring of queue @index lies, in the front end's own addresses. */
struct vhost_user_vring_addr vballoon_front_end_vring_addr(struct vballoon_front_end *front_end,
							   unsigned int index, uint32_t flags);
int vballoon_front_end_set_vring_addr(struct vballoon_front_end *front_end, unsigned int index,
				      uint32_t flags);
int vballoon_front_end_get_vring_base(struct vballoon_front_end *front_end, unsigned int index,
				      uint32_t *base_out);

/* Zero a queue's ring and begin its driver's side anew. */
void vballoon_front_end_new_ring(struct vballoon_front_end *front_end, unsigned int index);

/* The base of a queue whose ring is new. */
uint32_t vballoon_front_end_first_base(const struct vballoon_front_end *front_end);

/* The base of a queue of whose messages no more is answered than was collected. */
uint32_t vballoon_front_end_next_base(const struct vballoon_front_end *front_end,
				      unsigned int index);

/* Start a queue at @base with the ring as it is. */
int vballoon_front_end_start_queue(struct vballoon_front_end *front_end, unsigned int index,
				   uint32_t base);
/* Stop a queue as QEMU does: disable it, then ask for its base. */
int vballoon_front_end_stop_queue(struct vballoon_front_end *front_end, unsigned int index,
				  uint32_t *base_out);

/* A driver has made something available. */
int vballoon_front_end_kick(struct vballoon_front_end *front_end, unsigned int index);

/* Whether an event was raised since it was last asked for. */
bool vballoon_front_end_event_raised(int fd);

/* What the host holds of the guest's memory, in bytes. */
uint64_t vballoon_front_end_memory_held(const struct vballoon_front_end *front_end);

#endif /* VBALLOON_FRONT_END_FRONT_END_H */
