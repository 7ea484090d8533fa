/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user back end, told whatever a front end can send, with descriptors of every kind
 * and a guest that writes to its rings. It ends the connection or goes on, and keeps no
 * descriptor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "front_end.h"
#include "fuzz.h"

#define STEPS_MAX 64
#define PAYLOAD_MAX 512U
#define SCRIBBLE_BYTES 0x20000U

uint64_t fuzz_reached;
const char fuzz_core[] = "steps with both queues running";

struct fuzz_front {
	struct fuzz_input input;
	struct front_end front_end;
};

static unsigned int open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	FUZZ_HOLDS(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* A descriptor of some kind, the caller's to close; or the guest's memory, which is not. */
static int some_file(struct fuzz_front *f)
{
	int fd;

	switch (fuzz_u8(&f->input) % 5) {
	case 0:
		return dup(f->front_end.memory_fd);
	case 1:
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	case 2:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 3:
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		FUZZ_HOLDS(fd >= 0 && !ftruncate(fd, fuzz_u8(&f->input) * (off_t)1024));
		return fd;
	default:
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	}
}

static void send_as(struct fuzz_front *f, const struct vhost_user_header *header,
		    const void *payload, size_t len)
{
	int fds[VBALLOON_LINK_FDS_MAX];
	const unsigned int shape = fuzz_u8(&f->input);
	const unsigned int count = shape & 8 ? 0 : shape % VBALLOON_LINK_FDS_MAX;

	for (unsigned int i = 0; i < count; i++)
		fds[i] = some_file(f);
	vballoon_link_send_as(&f->front_end.wire.link, header, payload, len, fds, count);
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
}

/* Any header, or one that fits what follows. */
static void send_anything(struct fuzz_front *f)
{
	const uint8_t shape = fuzz_u8(&f->input);
	uint8_t payload[PAYLOAD_MAX] = { 0 };
	struct vhost_user_header header = {
		.request = fuzz_u8(&f->input),
		.flags = shape & 2 ? fuzz_u32(&f->input) : 1U | (shape & 4U) << 1,
	};
	size_t len = fuzz_bytes(&f->input, payload, fuzz_u8(&f->input));

	header.size = shape & 1 ? fuzz_u32(&f->input) : (uint32_t)len;
	send_as(f, &header, payload, len);
}

static void send_state(struct fuzz_front *f)
{
	static const uint32_t requests[] = {
		VHOST_USER_SET_VRING_NUM,
		VHOST_USER_SET_VRING_BASE,
		VHOST_USER_GET_VRING_BASE,
		VHOST_USER_SET_VRING_ENABLE,
	};
	const uint8_t shape = fuzz_u8(&f->input);

	vballoon_front_end_set_state(&f->front_end.wire, requests[shape % 4], shape >> 2 & 3,
				     shape & 64 ? fuzz_u32(&f->input) : shape >> 4);
}

static void send_regions(struct fuzz_front *f)
{
	struct vhost_user_region regions[4];
	int fds[4];
	const unsigned int count = 1 + fuzz_u8(&f->input) % 4;

	for (unsigned int i = 0; i < count; i++) {
		const uint8_t shape = fuzz_u8(&f->input);

		regions[i] = f->front_end.region;
		if (shape & 1)
			regions[i].guest_addr = fuzz_u64(&f->input);
		if (shape & 2)
			regions[i].size = fuzz_u64(&f->input);
		if (shape & 4)
			regions[i].user_addr = fuzz_u64(&f->input);
		if (shape & 8)
			regions[i].mmap_offset = fuzz_u64(&f->input);
		regions[i].guest_addr += (shape >> 4) * (uint64_t)GUEST_BYTES;
		fds[i] = shape & 1 ? some_file(f) : dup(f->front_end.memory_fd);
	}
	vballoon_front_end_set_mem_table(&f->front_end.wire, regions, fds, count);
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
}

static void negotiate(struct fuzz_front *f)
{
	struct vballoon_front_end *wire = &f->front_end.wire;
	const uint8_t bits = fuzz_u8(&f->input);
	const uint64_t features = FRONT_END_FEATURES | (bits & 0x3f) | (uint64_t)(bits >> 6) << 28;

	vballoon_front_end_set_u64(wire, VHOST_USER_SET_PROTOCOL_FEATURES,
				   FRONT_END_PROTOCOL_FEATURES);
	vballoon_front_end_set_u64(wire, VHOST_USER_SET_FEATURES, features);
	wire->ring_features = vballoon_ring_features(features);
	vballoon_front_end_share_memory(wire);
}

static void start_queues(struct fuzz_front *f)
{
	struct vballoon_front_end *wire = &f->front_end.wire;

	for (unsigned int i = 0; i < 2; i++) {
		vballoon_front_end_new_ring(wire, i);
		vballoon_front_end_start_queue(wire, i, vballoon_front_end_first_base(wire));
	}
}

static void stop_queue(struct fuzz_front *f)
{
	uint32_t base;

	vballoon_front_end_stop_queue(&f->front_end.wire, fuzz_u8(&f->input) % 2, &base);
}

/* A message of the guest's driver, any bytes. */
static void post(struct fuzz_front *f)
{
	const uint8_t shape = fuzz_u8(&f->input);
	const uint64_t at = GUEST_MESSAGES + (shape >> 4) * UINT64_C(0x800);
	uint8_t *message = vballoon_front_end_at(&f->front_end.wire, at);
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(at), (uint32_t)(shape & 15) * 8, false },
		{ vballoon_gpa(at + 0x400), 64, true },
	};
	const unsigned int first = buffers[0].len ? 0 : 1;

	fuzz_bytes(&f->input, message, buffers[0].len);
	vballoon_driver_ring_post(&f->front_end.queues[shape & 1].driver, buffers + first,
				  2 - first, at);
	vballoon_front_end_kick(&f->front_end.wire, shape & 1);
}

static void scribble(struct fuzz_front *f)
{
	const uint32_t at = fuzz_u32(&f->input) % SCRIBBLE_BYTES;

	fuzz_bytes(&f->input, f->front_end.memory + at, fuzz_u8(&f->input) % 32);
}

static void kick(struct fuzz_front *f)
{
	vballoon_front_end_kick(&f->front_end.wire, fuzz_u8(&f->input) % 2);
}

static void set_target(struct fuzz_front *f)
{
	vballoon_device_set_target(vballoon_vhost_user_device(f->front_end.back_end),
				   fuzz_u16(&f->input));
	front_end_pump(&f->front_end);
}

static void (*const steps[])(struct fuzz_front *f) = {
	send_anything, send_state, send_regions, negotiate, start_queues,
	stop_queue,    post,	   scribble,	 kick,	    set_target,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct fuzz_front fuzz_front;
	struct fuzz_front *f = &fuzz_front;
	const unsigned int files = open_files();

	f->input = (struct fuzz_input){ bytes, len };
	front_end_open(&f->front_end);
	for (unsigned int i = 0; i < 2; i++)
		vballoon_front_end_new_ring(&f->front_end.wire, i);
	for (unsigned int i = 0; i < STEPS_MAX && f->input.len && !f->front_end.outcome; i++) {
		struct vballoon_status status;

		steps[fuzz_u8(&f->input) % (sizeof(steps) / sizeof(steps[0]))](f);
		vballoon_device_status(vballoon_vhost_user_device(f->front_end.back_end), &status);
		fuzz_reached += status.queue_running[0] && status.queue_running[1];
	}
	FUZZ_HOLDS(!f->front_end.outcome || f->front_end.outcome == -ECONNRESET ||
		   f->front_end.outcome == -EPROTO);
	FUZZ_HOLDS((f->front_end.outcome == -EPROTO) ==
		   !!vballoon_vhost_user_reason(f->front_end.back_end)[0]);
	front_end_close(&f->front_end);
	FUZZ_HOLDS(open_files() == files);
	return 0;
}
