/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machines COUNT MIB ROUNDS: so many guests of that size, a process each as with vballoond, all
 * inflated at the same time. What is timed is from the first to the last of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "guest.h"
#include "memory.h"

#define MACHINES_MAX 1024
#define RUN_PAGES 512

struct machine {
	double cpu_seconds;
};

static void read_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) < 0)
		bench_die("read");
}

/* What a guest says; one that ends without it has failed. */
static void await(int fd)
{
	char byte;

	errno = ECHILD;
	if (read(fd, &byte, 1) != 1)
		bench_die("a guest failed");
}

/* One guest: makes itself ready and says so, waits for the start, says when it is done. */
static void machine_run(uint64_t bytes, int ready, int start, struct machine *machine)
{
	struct bench_memory memory;
	struct bench_region region;
	struct bench_guest guest;
	struct bench_time began;

	bench_memory_make(&memory, "memfd", bytes);
	region = (struct bench_region){ bytes, memory.at, memory.kind.host_page_shift,
					&memory.backing };
	bench_guest_make(&guest, &region, &vballoon_reclaim_punch_hole);
	bench_memory_populate(&memory);
	if (write(ready, "", 1) != 1)
		bench_die("write");
	read_byte(start); /* the end of the file starts them all */
	began = bench_clock_start();
	bench_guest_add_range(&guest, 0, bytes, RUN_PAGES);
	machine->cpu_seconds = bench_clock_since(began).cpu_seconds;
	if (bench_memory_allocated(&memory))
		bench_die("the host has not got everything");
	if (write(ready, "", 1) != 1)
		bench_die("write");
}

static void machines_run(unsigned long count, uint64_t bytes, struct machine *machines)
{
	int ready[MACHINES_MAX], start[2], status;
	struct bench_time began;
	double seconds, cpu_seconds = 0;

	if (pipe(start))
		bench_die("pipe");
	for (unsigned long i = 0; i < count; i++) {
		int own[2];
		pid_t pid;

		if (pipe(own))
			bench_die("pipe");
		pid = fork();
		if (pid < 0)
			bench_die("fork");
		if (pid == 0) {
			close(start[1]);
			machine_run(bytes, own[1], start[0], &machines[i]);
			exit(EXIT_SUCCESS);
		}
		close(own[1]); /* no other guest has it: one which fails is not waited for */
		ready[i] = own[0];
	}
	for (unsigned long i = 0; i < count; i++)
		await(ready[i]);
	began = bench_clock_start();
	close(start[1]);
	for (unsigned long i = 0; i < count; i++)
		await(ready[i]);
	seconds = bench_clock_since(began).seconds;
	close(start[0]);
	for (unsigned long i = 0; i < count; i++) {
		close(ready[i]);
		errno = ECHILD;
		if (wait(&status) < 0 || status)
			bench_die("a guest failed");
		cpu_seconds += machines[i].cpu_seconds;
	}
	printf("{\"machines\": %lu, \"given_bytes\": %llu, \"seconds\": %.6f, "
	       "\"cpu_seconds\": %.6f}\n",
	       count, (unsigned long long)(count * bytes), seconds, cpu_seconds);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
	struct machine *machines = mmap(NULL, MACHINES_MAX * sizeof(*machines),
					PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!count || count > MACHINES_MAX || machines == MAP_FAILED) {
		fprintf(stderr, "usage: machines COUNT MIB ROUNDS\n");
		return 2;
	}
	for (unsigned long rounds = strtoul(argv[3], NULL, 10); rounds; rounds--)
		machines_run(count, strtoull(argv[2], NULL, 10) * MIB, machines);
	return 0;
}
