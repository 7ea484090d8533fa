/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's memory for tests: regions of zeroed host memory, each between two
 * pages that cannot be touched, so that an access beyond it ends the test.
 */
#ifndef VBALLOON_TESTS_GUEST_MEMORY_H
#define VBALLOON_TESTS_GUEST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <vballoon/memory.h>

struct guest_memory {
	struct vballoon_memory memory; /* hooks may be set by the test */
};

/* Begin without a region. */
void guest_memory_init(struct guest_memory *guest);

/* Add a region of @size bytes at @gpa, both multiples of 4096. */
void guest_memory_add(struct guest_memory *guest, uint64_t gpa, uint64_t size);

/* The same with memory that the caller has mapped, and unmaps. */
void guest_memory_borrow(struct guest_memory *guest, uint64_t gpa, uint64_t size, void *host);

/* Unmap every region; one without host memory, which a test added itself, has none. */
void guest_memory_destroy(struct guest_memory *guest);

/* The host's view of @len bytes at @gpa, past any hook; they must lie in one region. */
void *guest_memory_at(const struct guest_memory *guest, uint64_t gpa, size_t len);

#endif /* VBALLOON_TESTS_GUEST_MEMORY_H */
