/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory in a file of its own (memfd_create(2)), all of it there before any of it is touched. On a
 * host that does not overcommit (vm.overcommit_memory = 2) it is accounted for page by page, and a
 * touch of a page that there is no memory for would end the process (SIGBUS).
 */
#ifndef VBALLOON_HOST_MEMORY_FILE_H
#define VBALLOON_HOST_MEMORY_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

/* Make a new one so long, not 0. Returns 0 or a negative errno, which is in errno, too. */
static inline int vballoon_memory_file_size(int fd, size_t bytes)
{
	int ret = ftruncate(fd, (off_t)bytes);

	if (!ret) {
		do {
			ret = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes);
		} while (ret && errno == EINTR);
	}
	/* All the space that such a file has is memory. */
	if (ret && errno == ENOSPC)
		errno = ENOMEM;
	return ret ? -errno : 0;
}

#endif /* VBALLOON_HOST_MEMORY_FILE_H */
