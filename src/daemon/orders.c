// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/orders.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper.h"
#include "daemon/log.h"
#include "host/fd_stat.h"
#include "host/memory_file.h"

#define NAME "orders"
#define MAGIC UINT64_C(0x6472726f6c616276) /* "vbalorrd" */
#define VERSION 2

struct vballoon_orders_file {
	uint64_t magic;
	uint32_t version;
	uint32_t turn; /* which of the two counts */
	struct vballoon_orders orders[2];
};

static struct vballoon_orders_file *map(int fd)
{
	void *map = mmap(NULL, sizeof(struct vballoon_orders_file), PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? NULL : map;
}

/* What another worker has kept: 0; -ENOENT: nothing; -EINVAL: nothing to be understood. */
static int find(struct vballoon_orders_file **file_out)
{
	struct vballoon_orders_file *file = NULL;
	struct stat st = { .st_size = 0 };
	int fd = vballoon_keeper_find(NAME);

	if (fd < 0)
		return -ENOENT;
	if (!vballoon_fd_stat(fd, &st) && st.st_size == (off_t)sizeof(*file))
		file = map(fd);
	close(fd);
	if (file && file->magic == MAGIC && file->version == VERSION) {
		*file_out = file;
		return 0;
	}
	vballoon_orders_end(file);
	return -EINVAL;
}

/* Whole before it is kept. */
static struct vballoon_orders_file *begin(const struct vballoon_orders *orders)
{
	struct vballoon_orders_file *file = NULL;
	int fd = memfd_create("vballoon-orders", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && !vballoon_memory_file_size(fd, sizeof(*file)) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		file = map(fd);
	if (file) {
		file->orders[0] = *orders;
		file->version = VERSION;
		file->magic = MAGIC;
	}
	if (!file || vballoon_keeper_keep(NAME, fd))
		vballoon_log(LOG_WARNING, "orders cannot be kept: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return file;
}

int vballoon_orders_begin(struct vballoon_orders_file **file_out, struct vballoon_orders *orders)
{
	int err;

	*file_out = NULL;
	if (!vballoon_keeper_is_there())
		return 0;
	err = find(file_out);
	if (!err) {
		*orders = (*file_out)->orders[(*file_out)->turn & 1];
		return 1;
	}
	if (err == -EINVAL && vballoon_keeper_history().tried)
		return err;
	if (err == -EINVAL)
		vballoon_log(LOG_WARNING,
			     "what was ordered before is not understood: the settings hold");
	*file_out = begin(orders);
	return 0;
}

void vballoon_orders_keep(struct vballoon_orders_file *file, const struct vballoon_orders *orders)
{
	if (!file)
		return;
	file->orders[!(file->turn & 1)] = *orders;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&file->turn, !(file->turn & 1), __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void vballoon_orders_end(struct vballoon_orders_file *file)
{
	if (file)
		munmap(file, sizeof(*file));
}
