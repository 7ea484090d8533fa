/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest embedder: one region of guest memory from a memfd, no transport.
 * A scripted guest (embed_guest.c) puts 16 MiB into the balloon and takes half
 * of it back; the program shows what the host holds of the memory meanwhile, and
 * fails when that is not what it should be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/device.h>

#include "embed_guest.h"

#define PAGE_SHIFT 12
#define GUEST_BYTES (UINT64_C(64) << 20)
#define BALLOON_AT (UINT64_C(16) << 20)
#define BALLOON_PAGES 4096
#define FEATURES (UINT64_C(1) << 32 | UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)

/* What the device is given to live in; freed when it is no longer used. */
static void *storage;
static void *page_map;

static void notify(void *context, unsigned int queue)
{
	(void)context;
	printf("device: interrupt for queue %u\n", queue);
}

static int drop(void *context, const struct vballoon_region *region, struct vballoon_bytes offset,
		struct vballoon_bytes len)
{
	const int *memfd = region->backing;

	(void)context;
	printf("device: drop %llu MiB\n", (unsigned long long)len.value >> 20);
	if (fallocate(*memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset.value,
		      (off_t)len.value))
		return -errno;
	return 0;
}

/* What the host holds of the guest's memory, in MiB. */
static unsigned int host_mib(int memfd)
{
	struct stat stat;

	return fstat(memfd, &stat) ? 0 : (unsigned int)((stat.st_blocks * 512) >> 20);
}

static void check(bool ok, const char *what)
{
	printf("%s: %s\n", ok ? "ok" : "NOT OK", what);
	if (!ok)
		exit(EXIT_FAILURE);
}

static struct vballoon_device *make_device(void *memory, int *memfd)
{
	static const struct vballoon_device_ops ops = { .notify = notify };
	static const struct vballoon_reclaim_ops reclaim = { .drop = drop };
	const struct vballoon_device_config config = {
		.page_shift = PAGE_SHIFT,
		.features = FEATURES,
		.ops = &ops,
		.reclaim = &reclaim,
	};
	const size_t map_bytes = vballoon_page_map_bytes(vballoon_bytes(GUEST_BYTES), PAGE_SHIFT);
	struct vballoon_region region = {
		.size = vballoon_bytes(GUEST_BYTES),
		.host = memory,
		.host_page_shift = PAGE_SHIFT,
		.reclaimable = VBALLOON_RECLAIMABLE,
		.backing = memfd,
		.page_map_bytes = map_bytes,
	};
	struct vballoon_device *device = NULL;

	storage = malloc(vballoon_device_bytes());
	page_map = region.page_map = malloc(map_bytes);
	check(storage && page_map && !vballoon_device_init(storage, &config, &device), "a device");
	check(!vballoon_device_add_region(device, &region), "its guest's memory");
	return device;
}

/* Let the device answer what the guest has said. */
static uint64_t answer(struct vballoon_device *device, struct embed_guest *guest)
{
	uint64_t value;

	while (vballoon_device_run(device))
		;
	check(embed_guest_answer(guest, &value), "an answer");
	return value;
}

/* What a transport does once the driver has set DRIVER_OK. */
static void start(struct vballoon_device *device)
{
	check(!vballoon_device_set_features(device, FEATURES), "features");
	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++) {
		const struct vballoon_queue queue = embed_guest_queue(i);

		check(!vballoon_device_start_queue(device, i, &queue), "a queue");
	}
}

int main(void)
{
	int memfd = memfd_create("guest", MFD_CLOEXEC);
	struct vballoon_device *device;
	struct embed_guest *guest;
	void *memory;

	check(memfd >= 0 && !ftruncate(memfd, (off_t)GUEST_BYTES), "a memfd");
	memory = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	check(memory != MAP_FAILED, "mapped");
	memset(memory, 0x5a, GUEST_BYTES);
	device = make_device(memory, &memfd);
	guest = embed_guest_new(memory);
	check(guest != NULL, "a guest");
	start(device);

	embed_guest_say_hello(guest, 1);
	check(answer(device, guest) == 0, "HELLO: the balloon is empty");
	embed_guest_add(guest, BALLOON_AT, BALLOON_PAGES);
	check(answer(device, guest) == VIRTIO_MEMORY_BALLOON_ACCEPTED, "ADD of 16 MiB");
	check(host_mib(memfd) == 48, "the host holds 48 MiB of 64");
	embed_guest_withdraw(guest, BALLOON_PAGES / 2);
	check(answer(device, guest) == (BALLOON_AT | (BALLOON_PAGES / 2 - 1)),
	      "WITHDRAW of 8 MiB: one run");
	memset((char *)memory + BALLOON_AT, 0xa5, BALLOON_PAGES / 2 << PAGE_SHIFT);
	check(host_mib(memfd) == 56, "the guest uses them: the host holds 56 MiB");

	embed_guest_free(guest);
	free(page_map);
	free(storage);
	return EXIT_SUCCESS;
}
