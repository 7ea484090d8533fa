/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD_BYTES 4096
#define HOST_PAGE_SHIFT 12

static void *map_guarded(uint64_t size)
{
	unsigned char *base = mmap(NULL, size + 2 * GUARD_BYTES, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED || mprotect(base + GUARD_BYTES, size, PROT_READ | PROT_WRITE)) {
		perror("guest memory");
		abort();
	}
	return base + GUARD_BYTES;
}

void guest_memory_init(struct guest_memory *guest)
{
	memset(guest, 0, sizeof(*guest));
}

static void add(struct guest_memory *guest, uint64_t gpa, uint64_t size, void *host, void *backing)
{
	struct vballoon_region region = {
		.gpa = vballoon_gpa(gpa),
		.size = vballoon_bytes(size),
		.host = host,
		.host_page_shift = HOST_PAGE_SHIFT,
		.reclaimable = VBALLOON_RECLAIMABLE,
		.backing = backing,
	};

	if (vballoon_memory_add(&guest->memory, &region)) {
		fprintf(stderr, "guest memory: a region does not fit\n");
		abort();
	}
}

void guest_memory_add(struct guest_memory *guest, uint64_t gpa, uint64_t size)
{
	add(guest, gpa, size, map_guarded(size), NULL);
}

void guest_memory_borrow(struct guest_memory *guest, uint64_t gpa, uint64_t size, void *host)
{
	add(guest, gpa, size, host, host);
}

void guest_memory_destroy(struct guest_memory *guest)
{
	for (unsigned int i = 0; i < guest->memory.count; i++) {
		const struct vballoon_region *region = &guest->memory.regions[i];

		if (region->host && !region->backing)
			munmap((unsigned char *)region->host - GUARD_BYTES,
			       region->size.value + 2 * GUARD_BYTES);
	}
	guest->memory.count = 0;
}

void *guest_memory_at(const struct guest_memory *guest, uint64_t gpa, size_t len)
{
	const struct vballoon_region *region =
		vballoon_memory_find(&guest->memory, vballoon_gpa(gpa), vballoon_bytes(len));

	if (!region) {
		fprintf(stderr, "guest memory: a test looks outside\n");
		abort();
	}
	return (unsigned char *)region->host + (gpa - region->gpa.value);
}
