/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/dirty_log.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "host/fd_stat.h"
#include "vhost_user/event.h"

static void log_unmap(struct vballoon_dirty_log *log)
{
	if (log->map)
		munmap(log->map, log->map_bytes);
	log->map = NULL;
	log->bytes = 0;
}

int vballoon_dirty_log_map(struct vballoon_dirty_log *log, const struct vhost_user_log *where,
			   int fd)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t skipped = where->mmap_offset % page;
	uint64_t end;
	struct stat st;
	void *map;

	log_unmap(log);
	if (!where->mmap_size || !vballoon_add(where->mmap_offset, where->mmap_size, &end) ||
	    vballoon_fd_stat(fd, &st) || end > (uint64_t)st.st_size)
		return -EINVAL;
	map = mmap(NULL, (size_t)(where->mmap_size + skipped), PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, (off_t)(where->mmap_offset - skipped));
	if (map == MAP_FAILED)
		return -errno;
	log->map = map;
	log->map_bytes = (size_t)(where->mmap_size + skipped);
	log->bits = (uint8_t *)map + skipped;
	log->bytes = where->mmap_size;
	return 0;
}

void vballoon_dirty_log_mark(struct vballoon_dirty_log *log, struct vballoon_gpa gpa, size_t len)
{
	uint64_t page = gpa.value >> VHOST_USER_LOG_PAGE_SHIFT;
	uint64_t last;

	if (!log->map || !len)
		return;
	if (!vballoon_add(gpa.value, len - 1, &last))
		return;
	last >>= VHOST_USER_LOG_PAGE_SHIFT;
	for (; page <= last && page / 8 < log->bytes; page++) {
		/* The front end clears bits while this goes on; release, so that it
		 * finds what was written when it finds the bit. */
		__atomic_fetch_or(&log->bits[page / 8], (uint8_t)(1U << (page % 8)),
				  __ATOMIC_RELEASE);
		log->marked = true;
	}
}

void vballoon_dirty_log_notify(struct vballoon_dirty_log *log)
{
	if (!log->marked)
		return;
	log->marked = false;
	vballoon_event_signal(log->event);
}

void vballoon_dirty_log_close(struct vballoon_dirty_log *log)
{
	log_unmap(log);
	vballoon_event_replace(&log->event, -1);
}
