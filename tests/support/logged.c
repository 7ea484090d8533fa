/* SPDX-License-Identifier: BSD-3-Clause */
#include "logged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

uint64_t logged_send(struct front_end *front_end, int fd, uint64_t size, uint64_t offset)
{
	struct vhost_user_log log = { size, offset };
	uint64_t answer = UINT64_MAX;

	front_end_send(front_end, VHOST_USER_SET_LOG_BASE, 0, &log, sizeof(log), &fd, 1);
	front_end_receive(front_end, VHOST_USER_SET_LOG_BASE, &answer, sizeof(answer));
	return answer;
}

void logged_open(struct logged *logged)
{
	logged->fd = memfd_create("log", MFD_CLOEXEC);
	assert_int_equal(ftruncate(logged->fd, LOGGED_OFFSET + LOGGED_BYTES), 0);
	logged->file = mmap(NULL, LOGGED_OFFSET + LOGGED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			    logged->fd, 0);
	assert_ptr_not_equal(logged->file, MAP_FAILED);
	logged->bits = logged->file + LOGGED_OFFSET;
	logged->before = test_malloc(GUEST_BYTES);
	assert_int_equal(logged_send(&logged->front_end, logged->fd, LOGGED_BYTES, LOGGED_OFFSET),
			 0);
}

void logged_close(struct logged *logged)
{
	test_free(logged->before);
	munmap(logged->file, LOGGED_OFFSET + LOGGED_BYTES);
	close(logged->fd);
}

bool logged_marks(const struct logged *logged, uint64_t gpa)
{
	uint64_t page = gpa / GUEST_PAGE;

	return logged->bits[page / 8] >> (page % 8) & 1;
}

bool logged_marks_any(const struct logged *logged)
{
	for (uint32_t i = 0; i < LOGGED_BYTES; i++) {
		if (logged->bits[i])
			return true;
	}
	return false;
}

void logged_begin(struct logged *logged)
{
	memset(logged->bits, 0, LOGGED_BYTES);
	memcpy(logged->before, logged->front_end.memory, GUEST_BYTES);
}

unsigned int logged_changed(const struct logged *logged, uint64_t gpa, uint64_t pages)
{
	unsigned int changed = 0;

	for (size_t at = 0; at < GUEST_BYTES; at += GUEST_PAGE) {
		uint64_t page = GUEST_BASE + at;

		if ((page >= gpa && page < gpa + pages * GUEST_PAGE) ||
		    !memcmp(logged->before + at, logged->front_end.memory + at, GUEST_PAGE))
			continue;
		changed++;
		if (!logged_marks(logged, page))
			fail_msg("the page at 0x%llx was changed and is not marked",
				 (unsigned long long)page);
	}
	return changed;
}
