/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 512 /* what st_blocks counts */
#define KIB 1024

_Noreturn void bench_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* Aligned to a huge page, so that the mapping can be of them. */
static unsigned char *map_aligned(int fd, uint64_t bytes)
{
	const uint64_t huge = UINT64_C(1) << BENCH_HUGE_SHIFT;
	unsigned char *room = mmap(NULL, bytes + huge, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned char *at;

	if (room == MAP_FAILED)
		bench_die("room for the guest's memory");
	at = room + (huge - (uintptr_t)room % huge) % huge;
	if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd,
		 0) == MAP_FAILED)
		bench_die("the guest's memory");
	return at;
}

void bench_memory_make(struct bench_memory *memory, const char *backing, uint64_t bytes)
{
	bool hugetlb = !strcmp(backing, "hugetlb");
	bool thp = !strcmp(backing, "thp");
	int fd = memfd_create("guest", MFD_CLOEXEC | (hugetlb ? MFD_HUGETLB | MFD_HUGE_2MB : 0));

	if (!hugetlb && !thp && strcmp(backing, "memfd") != 0) {
		errno = EINVAL;
		bench_die(backing);
	}
	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		bench_die("a memfd");
	*memory = (struct bench_memory){
		.backing = { .fd = fd },
		.kind = vballoon_backing_probe(fd, 0, vballoon_bytes(bytes)),
		.name = backing,
		.at = map_aligned(fd, bytes),
		.bytes = bytes,
	};
	memory->backing.limited = memory->kind.limited;
	if (memory->kind.reclaimable != VBALLOON_RECLAIMABLE)
		bench_die("the guest's memory cannot be given back");
	if (!hugetlb && madvise(memory->at, bytes, thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		bench_die("madvise");
}

/* What this process has mapped of shared memory in huge pages. */
static uint64_t huge_bytes(void)
{
	FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
	unsigned long long kib = 0;
	char line[256];

	if (!rollup)
		bench_die("smaps_rollup");
	while (fgets(line, sizeof(line), rollup)) {
		if (sscanf(line, "ShmemPmdMapped: %llu kB", &kib) == 1)
			break;
	}
	fclose(rollup);
	return (uint64_t)kib * KIB;
}

void bench_memory_populate(const struct bench_memory *memory)
{
	bool thp = !strcmp(memory->name, "thp");
	uint64_t huge;

	memset(memory->at, 0x5a, memory->bytes);
	huge = huge_bytes();
	errno = ENOMEM;
	if (bench_memory_allocated(memory) != memory->bytes)
		bench_die("the host has no memory for all of it");
	if (thp ? huge < memory->bytes / 100 * 95 : huge > 0)
		bench_die("the memory is not in the pages that it should be in");
}

void bench_memory_end(const struct bench_memory *memory)
{
	if (munmap(memory->at, memory->bytes) || close(memory->backing.fd))
		bench_die("unmap");
}

uint64_t bench_memory_allocated(const struct bench_memory *memory)
{
	struct stat stat;

	if (fstat(memory->backing.fd, &stat))
		bench_die("fstat");
	return (uint64_t)stat.st_blocks * BLOCK_BYTES;
}

void bench_memory_punch(const struct bench_memory *memory, uint64_t offset, uint64_t bytes)
{
	if (fallocate(memory->backing.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		      (off_t)bytes))
		bench_die("fallocate");
}
