/* SPDX-License-Identifier: BSD-3-Clause */
#include "front_end/front_end.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void place_rings(struct vballoon_front_end *front_end)
{
	for (unsigned int i = 0; i < front_end->queue_count; i++)
		front_end->queues[i].ring = front_end->memory + i * VBALLOON_FRONT_RING_BYTES;
	for (unsigned int i = 0; i < front_end->region_count; i++) {
		struct vhost_user_region *region = &front_end->regions[i];

		region->user_addr = (uintptr_t)front_end->memory + region->mmap_offset;
	}
}

int vballoon_front_end_map(struct vballoon_front_end *front_end, int how)
{
	void *memory;

	if (front_end->memory)
		munmap(front_end->memory, front_end->memory_bytes);
	front_end->memory = NULL;
	memory = mmap(NULL, front_end->memory_bytes, PROT_READ | PROT_WRITE, how | MAP_NORESERVE,
		      front_end->memory_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	front_end->memory = memory;
	place_rings(front_end);
	return 0;
}

static int memory_size(struct vballoon_front_end *front_end,
		       const struct vhost_user_region *regions, unsigned int region_count)
{
	for (unsigned int i = 0; i < region_count; i++) {
		uint64_t end = regions[i].mmap_offset + regions[i].size;

		front_end->regions[i] = regions[i];
		if (end > front_end->memory_bytes)
			front_end->memory_bytes = end;
	}
	front_end->region_count = region_count;
	if (ftruncate(front_end->memory_fd, (off_t)front_end->memory_bytes))
		return -errno;
	return vballoon_front_end_map(front_end, MAP_SHARED);
}

static int events_make(struct vballoon_front_end *front_end)
{
	for (unsigned int i = 0; i < front_end->queue_count; i++) {
		struct vballoon_front_queue *queue = &front_end->queues[i];

		queue->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		queue->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		queue->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (queue->kick < 0 || queue->call < 0 || queue->err < 0)
			return -errno;
	}
	return 0;
}

int vballoon_front_end_open_on(struct vballoon_front_end *front_end, int socket, int memory_fd,
			       const struct vhost_user_region *regions, unsigned int region_count,
			       unsigned int queue_count)
{
	int ret;

	memset(front_end, 0, sizeof(*front_end));
	front_end->link.socket = socket;
	front_end->memory_fd = memory_fd;
	front_end->queue_count = queue_count;
	for (unsigned int i = 0; i < queue_count; i++)
		front_end->queues[i].kick = front_end->queues[i].call = front_end->queues[i].err =
			-1;
	ret = memory_size(front_end, regions, region_count);
	if (!ret)
		ret = events_make(front_end);
	if (ret)
		vballoon_front_end_close(front_end);
	return ret;
}

int vballoon_front_end_open(struct vballoon_front_end *front_end, int socket,
			    const struct vhost_user_region *regions, unsigned int region_count,
			    unsigned int queue_count)
{
	int memory_fd = memfd_create("guest", MFD_CLOEXEC);
	int error = errno;

	if (memory_fd >= 0)
		return vballoon_front_end_open_on(front_end, socket, memory_fd, regions,
						  region_count, queue_count);
	close(socket);
	return -error;
}

void vballoon_front_end_rejoin(struct vballoon_front_end *front_end, int socket)
{
	close(front_end->link.socket);
	front_end->link.socket = socket;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vballoon_front_end_close(struct vballoon_front_end *front_end)
{
	close_one(&front_end->link.socket);
	if (front_end->memory)
		munmap(front_end->memory, front_end->memory_bytes);
	front_end->memory = NULL;
	close_one(&front_end->memory_fd);
	for (unsigned int i = 0; i < front_end->queue_count; i++) {
		close_one(&front_end->queues[i].kick);
		close_one(&front_end->queues[i].call);
		close_one(&front_end->queues[i].err);
	}
}

void *vballoon_front_end_at(const struct vballoon_front_end *front_end, uint64_t gpa)
{
	for (unsigned int i = 0; i < front_end->region_count; i++) {
		const struct vhost_user_region *region = &front_end->regions[i];

		if (gpa >= region->guest_addr && gpa - region->guest_addr < region->size)
			return front_end->memory + region->mmap_offset + (gpa - region->guest_addr);
	}
	return NULL;
}

int vballoon_front_end_set_u64(struct vballoon_front_end *front_end, uint32_t request,
			       uint64_t value)
{
	return vballoon_link_send(&front_end->link, request, 0, &value, sizeof(value), NULL, 0);
}

int vballoon_front_end_set_state(struct vballoon_front_end *front_end, uint32_t request,
				 uint32_t index, uint32_t num)
{
	struct vhost_user_vring_state state = { index, num };

	return vballoon_link_send(&front_end->link, request, 0, &state, sizeof(state), NULL, 0);
}

int vballoon_front_end_set_event(struct vballoon_front_end *front_end, uint32_t request,
				 unsigned int index, int fd)
{
	uint64_t value = fd < 0 ? index | VHOST_USER_VRING_NOFD : index;

	return vballoon_link_send(&front_end->link, request, 0, &value, sizeof(value), &fd,
				  fd < 0 ? 0 : 1);
}

int vballoon_front_end_set_mem_table(struct vballoon_front_end *front_end,
				     const struct vhost_user_region *regions, const int *fds,
				     unsigned int count)
{
	struct {
		struct vhost_user_mem_table head;
		struct vhost_user_region regions[VHOST_USER_FDS_MAX];
	} table = { .head.count = count };

	if (count)
		memcpy(table.regions, regions, count * sizeof(*regions));
	return vballoon_link_send(&front_end->link, VHOST_USER_SET_MEM_TABLE, 0, &table,
				  (uint32_t)(sizeof(table.head) + count * sizeof(*regions)), fds,
				  count);
}

int vballoon_front_end_share_memory(struct vballoon_front_end *front_end)
{
	int fds[VBALLOON_FRONT_REGIONS_MAX];

	for (unsigned int i = 0; i < front_end->region_count; i++)
		fds[i] = front_end->memory_fd;
	return vballoon_front_end_set_mem_table(front_end, front_end->regions, fds,
						front_end->region_count);
}

struct vhost_user_vring_addr vballoon_front_end_vring_addr(struct vballoon_front_end *front_end,
							   unsigned int index, uint32_t flags)
{
	uint64_t offset = (uint64_t)(front_end->queues[index].ring - front_end->memory);
	uint64_t ring = front_end->regions[0].user_addr + offset;

	return (struct vhost_user_vring_addr){
		.index = index,
		.flags = flags,
		.desc = ring + VBALLOON_FRONT_DESC,
		.avail = ring + VBALLOON_FRONT_AVAIL,
		.used = ring + VBALLOON_FRONT_USED,
		.log = front_end->regions[0].guest_addr + offset + VBALLOON_FRONT_USED,
	};
}

int vballoon_front_end_set_vring_addr(struct vballoon_front_end *front_end, unsigned int index,
				      uint32_t flags)
{
	struct vhost_user_vring_addr addr = vballoon_front_end_vring_addr(front_end, index, flags);

	return vballoon_link_send(&front_end->link, VHOST_USER_SET_VRING_ADDR, 0, &addr,
				  sizeof(addr), NULL, 0);
}

int vballoon_front_end_get_vring_base(struct vballoon_front_end *front_end, unsigned int index,
				      uint32_t *base_out)
{
	struct vhost_user_vring_state state = { .index = index };
	int ret = vballoon_link_send(&front_end->link, VHOST_USER_GET_VRING_BASE, 0, &state,
				     sizeof(state), NULL, 0);

	if (ret)
		return ret;
	ret = vballoon_link_receive(&front_end->link, VHOST_USER_GET_VRING_BASE, &state,
				    sizeof(state));
	if (ret < 0)
		return ret;
	*base_out = state.num;
	return ret == sizeof(state) && state.index == index ? 0 : -EPROTO;
}

void vballoon_front_end_new_ring(struct vballoon_front_end *front_end, unsigned int index)
{
	struct vballoon_front_queue *queue = &front_end->queues[index];

	queue->driver = (struct vballoon_driver_ring){
		.size = VBALLOON_FRONT_QUEUE_SIZE,
		.desc = queue->ring + VBALLOON_FRONT_DESC,
		.avail = queue->ring + VBALLOON_FRONT_AVAIL,
		.used = queue->ring + VBALLOON_FRONT_USED,
		.slots = queue->slots,
		.links = queue->links,
		.features = front_end->ring_features,
	};
	vballoon_driver_ring_start(&queue->driver);
}

uint32_t vballoon_front_end_first_base(const struct vballoon_front_end *front_end)
{
	return front_end->ring_features.packed ? VBALLOON_QUEUE_FIRST_PACKED : 0;
}

uint32_t vballoon_front_end_next_base(const struct vballoon_front_end *front_end,
				      unsigned int index)
{
	uint32_t place = front_end->queues[index].driver.used_idx;

	return front_end->ring_features.packed ? place << 16 | place : place;
}

int vballoon_front_end_start_queue(struct vballoon_front_end *front_end, unsigned int index,
				   uint32_t base)
{
	struct vballoon_front_queue *queue = &front_end->queues[index];
	int ret = vballoon_front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, index,
					       VBALLOON_FRONT_QUEUE_SIZE);

	if (!ret)
		ret = vballoon_front_end_set_state(front_end, VHOST_USER_SET_VRING_BASE, index,
						   base);
	if (!ret)
		ret = vballoon_front_end_set_vring_addr(front_end, index, 0);
	if (!ret)
		ret = vballoon_front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, index,
						   queue->kick);
	if (!ret)
		ret = vballoon_front_end_set_event(front_end, VHOST_USER_SET_VRING_CALL, index,
						   queue->call);
	if (!ret)
		ret = vballoon_front_end_set_event(front_end, VHOST_USER_SET_VRING_ERR, index,
						   queue->err);
	if (!ret)
		ret = vballoon_front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, index,
						   1);
	return ret;
}

int vballoon_front_end_stop_queue(struct vballoon_front_end *front_end, unsigned int index,
				  uint32_t *base_out)
{
	int ret = vballoon_front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, index, 0);

	return ret ? ret : vballoon_front_end_get_vring_base(front_end, index, base_out);
}

int vballoon_front_end_kick(struct vballoon_front_end *front_end, unsigned int index)
{
	const uint64_t one = 1;

	if (write(front_end->queues[index].kick, &one, sizeof(one)) != sizeof(one))
		return -errno;
	if (front_end->link.sent)
		front_end->link.sent(front_end->link.context);
	return 0;
}

bool vballoon_front_end_event_raised(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

uint64_t vballoon_front_end_memory_held(const struct vballoon_front_end *front_end)
{
	struct stat st;

	return fstat(front_end->memory_fd, &st) ? 0 : (uint64_t)st.st_blocks * 512;
}
