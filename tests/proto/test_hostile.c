/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A front end that says anything, in any order, with any descriptors: it loses
 * its connection, and nothing else happens. The sequence is always the same; its first
 * argument says how many messages it has.
 */
#include "holdings.h"
#include "proto_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES 10000UL /* unless it is said */
#define MESSAGES_MAX 60U /* in one connection, if it lasts */
/* What a process may grow by whose allocator has seen it all. */
#define GROWTH_KIB_MAX 1024L

static unsigned long messages = MESSAGES;

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A number that is worth trying: small, at an edge, or an address. */
static uint64_t random_number(uint64_t *state)
{
	switch (random_next(state) % 8) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - random_next(state) % 3;
	case 2:
		return GUEST_BASE + random_next(state) % GUEST_BYTES;
	case 3:
		return (random_next(state) % 64) * GUEST_PAGE;
	case 4:
		return UINT64_C(1) << random_next(state) % 64;
	default:
		return random_next(state) % 70;
	}
}

struct source {
	uint64_t random;
	int files[4];
};

static void send_anything(struct front_end *front_end, struct source *source)
{
	static const uint32_t usual_sizes[] = { 0, 8, 8, 8, 40, 40, 12, 20, 16 };
	uint64_t payload[40];
	int fds[VHOST_USER_FDS_MAX];
	uint32_t request = (uint32_t)(random_next(&source->random) % VHOST_USER_REQUEST_COUNT);
	uint32_t size = usual_sizes[random_next(&source->random) % 9];
	unsigned int fd_count = random_next(&source->random) % 4 ? 0 : 1;

	for (unsigned int i = 0; i < 40; i++)
		payload[i] = random_number(&source->random);
	/* Messages that are nearly right get further than noise does. */
	if (request == VHOST_USER_SET_PROTOCOL_FEATURES)
		payload[0] &= FRONT_END_PROTOCOL_FEATURES;
	if (request == VHOST_USER_SET_MEM_TABLE) {
		fd_count = (unsigned int)(random_next(&source->random) % 3);
		payload[0] = fd_count;
		size = 8 + fd_count * 32;
	}
	if (request >= VHOST_USER_SET_VRING_NUM && request <= VHOST_USER_SET_VRING_ERR)
		payload[0] &= ~UINT64_C(0xfe);
	if (request == VHOST_USER_ADD_MEM_REG || request == VHOST_USER_SET_VRING_KICK)
		fd_count = 1;
	if (random_next(&source->random) % 32 == 0)
		size = (uint32_t)(random_next(&source->random) % sizeof(payload));
	for (unsigned int i = 0; i < fd_count; i++)
		fds[i] = source->files[random_next(&source->random) % 4];
	front_end_send(front_end, request,
		       random_next(&source->random) % 2 ? VHOST_USER_NEED_REPLY : 0, payload, size,
		       fds, fd_count);
}

static void read_answers(struct front_end *front_end)
{
	char bytes[512];

	while (recv(front_end->socket, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* One connection. Returns how many messages it took. */
static unsigned int converse(struct source *source, bool starts, unsigned int *ended)
{
	struct front_end front_end;
	unsigned int sent = 0;

	front_end_open(&front_end);
	if (starts)
		front_end_start(&front_end);
	while (sent < MESSAGES_MAX && !front_end_refused(&front_end)) {
		send_anything(&front_end, source);
		read_answers(&front_end);
		sent++;
	}
	if (front_end_refused(&front_end)) {
		assert_string_not_equal(vballoon_vhost_user_reason(front_end.back_end), "");
		++*ended;
	}
	front_end_close(&front_end);
	return sent;
}

static void whatever_a_front_end_says_it_only_loses_its_connection(void **state)
{
	struct source source = { .random = 0x9e3779b97f4a7c15 };
	struct holdings before;
	unsigned int ended = 0, connections = 0;
	unsigned long sent = 0;
	long resident = 0;

	(void)state;
	source.files[0] = memfd_create("small", MFD_CLOEXEC);
	source.files[1] = memfd_create("empty", MFD_CLOEXEC);
	source.files[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	source.files[3] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(source.files[0], 64 * GUEST_PAGE), 0);
	before = holdings_now();
	while (sent < messages) {
		sent += converse(&source, connections % 2, &ended);
		connections++;
		/* An allocator keeps what it needed once. */
		if (sent < messages / 10)
			resident = resident_kib();
	}
	holdings_assert(before);
	print_message("%lu messages in %u connections: %ld KiB more\n", sent, connections,
		      resident_kib() - resident);
#ifndef VBALLOON_SANITIZED
	assert_true(resident_kib() - resident <= GROWTH_KIB_MAX);
#endif
	/* Most such conversations end; one that never did would have tried nothing. */
	assert_in_range(ended, connections / 2, connections);
	for (unsigned int i = 0; i < 4; i++)
		close(source.files[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_a_front_end_says_it_only_loses_its_connection),
	};

	if (argc > 1)
		messages = strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
