/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's memory as a monitor has it: a memfd, mapped into this process.
 *
 * Whatever goes wrong ends the program with a word on why: a figure of something else
 * than was asked for is worse than none.
 */
#ifndef VBALLOON_BENCH_MEMORY_H
#define VBALLOON_BENCH_MEMORY_H

#include <stdint.h>

#include <vballoon/backing.h>

#define BENCH_PAGE_SHIFT 12
#define BENCH_HUGE_SHIFT 21
#define BENCH_GIGANTIC_SHIFT 30
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* End the program: what failed, and the errno. */
_Noreturn void bench_die(const char *what);

struct bench_memory {
	struct vballoon_backing backing;
	struct vballoon_backing_kind kind;
	const char *name; /* of the kind of backing */
	unsigned char *at;
	uint64_t bytes;
};

/* @backing: "memfd" in pages of 4 KiB, "thp" (the host has to have shmem_enabled=advise) or
 * "hugetlb". Untouched: the host has no memory of it. */
void bench_memory_make(struct bench_memory *memory, const char *backing, uint64_t bytes);

/* Have the host's memory behind all of it, of the kind that was asked for. */
void bench_memory_populate(const struct bench_memory *memory);

void bench_memory_end(const struct bench_memory *memory);

/* What the host holds of it. */
uint64_t bench_memory_allocated(const struct bench_memory *memory);

/* Punch one hole. */
void bench_memory_punch(const struct bench_memory *memory, uint64_t offset, uint64_t bytes);

#endif /* VBALLOON_BENCH_MEMORY_H */
