// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/depot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/fd_stat.h"
#include "host/memory_file.h"
#include "supervisor/handed.h"
#include "supervisor/manager.h"

#define MAGIC UINT64_C(0x6f7065646c616276) /* "vbaldepo" */
#define VERSION 1
#define FILE_NUMBER 1 /* of the memory file itself */

/* What the manager has handed to this process. */
static struct vballoon_store handed;

/* It says for how many it has room. */
static bool manager_stores(void)
{
	const char *room = getenv("FDSTORE");

	return getenv("NOTIFY_SOCKET") && room && strtol(room, NULL, 10) > 0;
}

static void store(struct vballoon_depot *depot, uint32_t number, int fd)
{
	char name[VBALLOON_STORE_NAME_BYTES];
	int err;

	if (!depot->stores)
		return;
	vballoon_handed_name(name, number);
	err = vballoon_manager_store(name, fd);
	depot->error = err ? err : depot->error;
}

static void unstore(const struct vballoon_depot *depot, uint32_t number)
{
	char name[VBALLOON_STORE_NAME_BYTES];

	if (!depot->stores || !number)
		return;
	vballoon_handed_name(name, number);
	(void)vballoon_manager_unstore(name);
}

static int map(struct vballoon_depot *depot, int fd)
{
	void *map = mmap(NULL, sizeof(*depot->file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	depot->file = map;
	return 0;
}

static int begin(struct vballoon_depot *depot)
{
	int fd = memfd_create("vballoon-supervisor", MFD_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = vballoon_memory_file_size(fd, sizeof(*depot->file));
	if (!err)
		err = map(depot, fd);
	if (!err) {
		vballoon_front_init(&depot->file->front);
		depot->file->numbers = FILE_NUMBER;
		depot->file->bytes = sizeof(*depot->file);
		depot->file->version = VERSION;
		depot->file->magic = MAGIC;
		store(depot, FILE_NUMBER, fd);
	}
	close(fd);
	return err;
}

static bool is_sound(const struct vballoon_depot_file *file)
{
	return file->magic == MAGIC && file->version == VERSION && file->bytes == sizeof(*file) &&
	       !file->busy && file->store.count <= VBALLOON_STORE_MAX &&
	       file->front.fd_count <= VBALLOON_RELAY_FDS_MAX &&
	       file->message_fds == file->front.fd_count;
}

static void set_busy(struct vballoon_depot_file *file, uint32_t busy)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&file->busy, busy, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static bool copy(uint32_t number, int *fd_out)
{
	*fd_out = vballoon_handed_find(&handed, number);
	return *fd_out >= 0;
}

/* Descriptors have other numbers in this process. Returns whether all are there. */
static bool take_descriptors(struct vballoon_depot_file *file)
{
	int fds[VBALLOON_RELAY_FDS_MAX], socket = -1;
	bool whole = true;

	for (unsigned int i = 0; i < file->store.count; i++)
		whole &= copy(file->store.kept[i].number, &file->store.kept[i].fd);
	if (file->front_end)
		whole &= copy(file->front_end, &socket);
	for (unsigned int i = 0; i < file->front.fd_count; i++)
		whole &= copy(file->message[i], &fds[i]);
	vballoon_front_resume(&file->front, socket, fds);
	return whole;
}

/* What was taken of what cannot be gone on from. */
static void close_descriptors(struct vballoon_depot_file *file)
{
	while (file->store.count) {
		file->store.count--;
		if (file->store.kept[file->store.count].fd >= 0)
			close(file->store.kept[file->store.count].fd);
	}
	vballoon_front_disconnect(&file->front);
}

/* Returns whether this goes on from what was handed over. */
static bool resume(struct vballoon_depot *depot)
{
	int fd = vballoon_handed_find(&handed, FILE_NUMBER);
	struct stat st = { .st_size = 0 };
	int err = -EINVAL;

	if (fd < 0)
		return false;
	if (!vballoon_fd_stat(fd, &st) && st.st_size == (off_t)sizeof(*depot->file))
		err = map(depot, fd);
	close(fd);
	if (err)
		return false;
	if (!is_sound(depot->file))
		return false;
	if (take_descriptors(depot->file))
		return true;
	/* Nor is it by another one, that has this file before it is let go of. */
	set_busy(depot->file, 1);
	close_descriptors(depot->file);
	return false;
}

static void let_go(const struct vballoon_depot *depot, bool unstores)
{
	char name[VBALLOON_STORE_NAME_BYTES];

	while (handed.count) {
		memcpy(name, handed.kept[0].name, sizeof(name));
		vballoon_store_forget(&handed, name);
		if (unstores && depot->stores)
			(void)vballoon_manager_unstore(name);
	}
}

void vballoon_depot_prepare(void)
{
	vballoon_handed_take(&handed);
}

void vballoon_depot_discard(void)
{
	const struct vballoon_depot depot = { .stores = manager_stores() };

	let_go(&depot, true);
}

int vballoon_depot_open(struct vballoon_depot *depot)
{
	bool found, resumed;
	int err;

	*depot = (struct vballoon_depot){ .stores = manager_stores() };
	found = handed.count;
	resumed = found && resume(depot);
	let_go(depot, !resumed);
	if (resumed)
		return 1;
	if (depot->file)
		munmap(depot->file, sizeof(*depot->file));
	err = begin(depot);
	return !err && found ? -ESTALE : err;
}

/* Whether the manager takes one for the other, as both are the same open file. Where the kernel does
 * not tell, files in memory can be told apart all the same. */
static bool is_same_file(int a, int b)
{
	long order = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b);
	struct stat one, other;

	if (order >= 0)
		return !order;
	return !vballoon_fd_stat(a, &one) && !vballoon_fd_stat(b, &other) && S_ISREG(one.st_mode) &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* Under which number this file is stored already, whatever its name; 0: it is not. */
static uint32_t number_of(const struct vballoon_depot_file *depot, int fd)
{
	for (unsigned int i = 0; i < depot->store.count; i++) {
		if (is_same_file(fd, depot->store.kept[i].fd))
			return depot->store.kept[i].number;
	}
	for (unsigned int i = 0; i < depot->message_fds && i < depot->front.fd_count; i++) {
		if (is_same_file(fd, depot->front.fds[i]))
			return depot->message[i];
	}
	return 0;
}

/* Under which number this name is; 0: it is not there. */
static uint32_t number_of_name(const struct vballoon_store *store, const char *name)
{
	for (unsigned int i = 0; i < store->count; i++) {
		if (!strcmp(store->kept[i].name, name))
			return store->kept[i].number;
	}
	return 0;
}

static void unstore_unused(const struct vballoon_depot *depot, uint32_t number)
{
	const struct vballoon_depot_file *file = depot->file;

	for (unsigned int i = 0; i < file->store.count; i++) {
		if (file->store.kept[i].number == number)
			return;
	}
	for (unsigned int i = 0; i < file->message_fds; i++) {
		if (file->message[i] == number)
			return;
	}
	unstore(depot, number);
}

bool vballoon_depot_keep(struct vballoon_depot *depot, const char *name, int fd)
{
	struct vballoon_store *kept = &depot->file->store;
	uint32_t before = number_of_name(kept, name);
	uint32_t number = number_of(depot->file, fd);

	if (!number) {
		number = ++depot->file->numbers;
		store(depot, number, fd);
	}
	if (vballoon_store_keep(kept, name, fd)) {
		kept->kept[kept->count - 1].number = number;
		unstore_unused(depot, before);
		return true;
	}
	unstore_unused(depot, number);
	unstore_unused(depot, before);
	return false;
}

void vballoon_depot_forget(struct vballoon_depot *depot, const char *name)
{
	uint32_t number = number_of_name(&depot->file->store, name);

	vballoon_store_forget(&depot->file->store, name);
	unstore_unused(depot, number);
}

void vballoon_depot_renew_front_end(struct vballoon_depot *depot)
{
	struct vballoon_depot_file *file = depot->file;
	uint32_t before = file->front_end;

	file->front_end = 0;
	file->message_of = UINT64_MAX;
	if (file->front.socket >= 0) {
		file->front_end = ++file->numbers;
		store(depot, file->front_end, file->front.socket);
	}
	unstore(depot, before);
}

static void forget_message(struct vballoon_depot *depot)
{
	struct vballoon_depot_file *file = depot->file;
	uint32_t first = file->message_fds ? file->message[0] : UINT32_MAX;

	while (file->message_fds) {
		file->message_fds--;
		unstore_unused(depot, file->message[file->message_fds]);
	}
	/* What came with it and was kept meanwhile was no new one to the manager. */
	for (unsigned int i = 0; i < file->store.count; i++) {
		if (file->store.kept[i].number > first)
			store(depot, file->store.kept[i].number, file->store.kept[i].fd);
	}
}

static void store_message(struct vballoon_depot *depot)
{
	struct vballoon_depot_file *file = depot->file;
	uint32_t number;

	for (unsigned int i = 0; i < file->front.fd_count; i++) {
		number = number_of(file, file->front.fds[i]);
		if (!number) {
			number = ++file->numbers;
			store(depot, number, file->front.fds[i]);
		}
		file->message[file->message_fds++] = number;
	}
	file->message_of = file->front.answered;
}

void vballoon_depot_begin_work(struct vballoon_depot *depot)
{
	set_busy(depot->file, 1);
}

void vballoon_depot_end_work(struct vballoon_depot *depot)
{
	const struct vballoon_depot_file *file = depot->file;

	if (file->front.fd_count != file->message_fds ||
	    (file->message_fds && file->front.answered != file->message_of)) {
		forget_message(depot);
		store_message(depot);
	}
	set_busy(depot->file, 0);
}
