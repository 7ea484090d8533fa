// SPDX-License-Identifier: BSD-3-Clause
/*
 * A storm: processes that each want memory, all at once, and one who watches that the rest of the
 * guest still runs. It wakes up every ten milliseconds, takes a page and reads a file.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define STORM_PROCESSES_MAX 16U
#define STORM_PAGE_BYTES 4096U
#define STORM_BEAT_NS 10000000L

struct storm {
	uint64_t alive, done, killed, beats, gap_ms;
};

/* Shared with the processes: nobody ends before all have what they want, or were killed. */
struct storm_gate {
	_Atomic uint64_t filled;
	_Atomic int open;
};

static uint64_t storm_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A process: whoever is to be killed, it is one of these. */
static void storm_take(struct storm_gate *gate, uint64_t kib)
{
	const struct timespec nap = { .tv_nsec = STORM_BEAT_NS };
	volatile unsigned char *bytes;
	uint64_t i;
	FILE *score = fopen("/proc/self/oom_score_adj", "w");

	if (score) {
		fputs("1000", score);
		fclose(score);
	}
	bytes = mmap(NULL, kib * 1024, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		_exit(1);
	for (i = 0; i < kib * 1024; i += STORM_PAGE_BYTES)
		bytes[i] = 1;
	gate->filled++;
	while (!gate->open)
		nanosleep(&nap, NULL);
	_exit(0);
}

static void storm_reap(struct storm *storm)
{
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0) {
		storm->alive--;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			storm->killed++;
		else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			storm->done++;
	}
}

static void storm_beat(struct storm *storm, uint64_t *last_ms)
{
	const struct timespec beat = { .tv_nsec = STORM_BEAT_NS };
	char load[256];
	void *page = mmap(NULL, STORM_PAGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t now_ms;

	if (page != MAP_FAILED) {
		*(volatile char *)page = 1;
		munmap(page, STORM_PAGE_BYTES);
	}
	file_slurp("/proc/loadavg", load, sizeof(load));
	nanosleep(&beat, NULL);
	now_ms = storm_now_ms();
	if (now_ms - *last_ms > storm->gap_ms)
		storm->gap_ms = now_ms - *last_ms;
	*last_ms = now_ms;
	storm->beats++;
}

/* storm COUNT KIB: so many processes take so much memory each, and end. */
void storm_run(char *arguments)
{
	uint64_t count = strtoull(arguments, &arguments, 10);
	uint64_t kib = strtoull(arguments, NULL, 10);
	struct storm storm = { 0 };
	uint64_t last_ms = storm_now_ms();
	struct storm_gate *gate = mmap(NULL, sizeof(*gate), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!count || count > STORM_PROCESSES_MAX || !kib || gate == MAP_FAILED) {
		agent_error(EINVAL, "storm");
		return;
	}
	while (storm.alive < count) {
		pid_t pid = fork();

		if (pid == 0)
			storm_take(gate, kib);
		if (pid < 0)
			break;
		storm.alive++;
	}
	while (storm.alive) {
		storm_beat(&storm, &last_ms);
		storm_reap(&storm);
		if (gate->filled + storm.killed >= count)
			gate->open = 1;
	}
	munmap(gate, sizeof(*gate));
	agent_ok("done=%llu killed=%llu beats=%llu gap_ms=%llu", (unsigned long long)storm.done,
		 (unsigned long long)storm.killed, (unsigned long long)storm.beats,
		 (unsigned long long)storm.gap_ms);
}
