/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <vballoon/recover.h>

#include "host/fd_stat.h"
#include "host/memory_file.h"
#include "vhost_user/back_end.h"

#define MAGIC UINT64_C(0x7073686c6c616276) /* "vballhsp" */
#define NAME_MAX_BYTES 32

static size_t file_bytes(void)
{
	return sizeof(struct vballoon_kept_file) + vballoon_journal_bytes();
}

static const struct vballoon_vhost_user_keeper *
keeper_of(const struct vballoon_vhost_user *back_end)
{
	return back_end->config.keeper;
}

void vballoon_kept_init(struct vballoon_kept *kept)
{
	memset(kept, 0, sizeof(*kept));
	for (unsigned int i = 0; i < VBALLOON_VRINGS_MAX; i++)
		kept->kick[i] = kept->call[i] = kept->err[i] = -1;
	kept->log_event = kept->requests = -1;
}

void vballoon_kept_keep(struct vballoon_vhost_user *back_end, const char *name, int fd)
{
	int ret;

	if (!back_end->kept.file)
		return;
	ret = keeper_of(back_end)->keep(back_end->config.context, name, fd);
	if (ret)
		vballoon_back_end_log(
			back_end, LOG_ERR,
			"%s cannot be kept: the balloon would not outlive a crash: %s", name,
			strerror(-ret));
}

static void forget(struct vballoon_vhost_user *back_end, const char *name)
{
	keeper_of(back_end)->forget(back_end->config.context, name);
}

static int find(struct vballoon_vhost_user *back_end, const char *name)
{
	return keeper_of(back_end)->find(back_end->config.context, name);
}

static void name_of(char *name, const char *what, uint64_t number)
{
	snprintf(name, NAME_MAX_BYTES, "%s-%" PRIu64, what, number);
}

static int map(struct vballoon_kept *kept, int fd)
{
	void *map = mmap(NULL, file_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	kept->file = map;
	kept->bytes = file_bytes();
	return 0;
}

int vballoon_kept_begin(struct vballoon_vhost_user *back_end)
{
	int fd, ret;

	if (!keeper_of(back_end))
		return 0;
	fd = memfd_create("vballoon-session", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	ret = vballoon_memory_file_size(fd, file_bytes());
	if (!ret && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		ret = -errno;
	if (!ret)
		ret = map(&back_end->kept, fd);
	if (!ret) {
		back_end->kept.file->version = VBALLOON_KEPT_VERSION;
		back_end->kept.file->magic = MAGIC;
		vballoon_kept_keep(back_end, "session", fd);
	}
	close(fd);
	return ret;
}

static struct vballoon_kept_state *state_of(const struct vballoon_kept *kept, bool newest)
{
	return &kept->file->states[(kept->file->turn & 1) ^ !newest];
}

int vballoon_kept_find(struct vballoon_vhost_user *back_end)
{
	struct stat st = { .st_size = 0 };
	int fd = find(back_end, "session");
	int ret = -EINVAL;

	if (fd < 0)
		return -ENOENT;
	if (!vballoon_fd_stat(fd, &st) && st.st_size == (off_t)file_bytes())
		ret = map(&back_end->kept, fd);
	close(fd);
	if (ret)
		return ret;
	if (back_end->kept.file->magic != MAGIC ||
	    back_end->kept.file->version != VBALLOON_KEPT_VERSION)
		ret = -EINVAL;
	/* The journal may not have been begun, and there is nothing in it. */
	else if (!state_of(&back_end->kept, true)->messages)
		ret = -ENOENT;
	if (ret)
		vballoon_kept_close(&back_end->kept);
	return ret;
}

void *vballoon_kept_journal(const struct vballoon_kept *kept)
{
	return kept->file ? kept->file + 1 : NULL;
}

/* A descriptor that may have changed: @seen is what the keeper has. */
static void renew(struct vballoon_vhost_user *back_end, const char *what, unsigned int index,
		  int *seen, int fd)
{
	char name[NAME_MAX_BYTES];

	if (*seen == fd)
		return;
	*seen = fd;
	name_of(name, what, index);
	if (fd >= 0)
		vballoon_kept_keep(back_end, name, fd);
	else
		forget(back_end, name);
}

static void renew_events(struct vballoon_vhost_user *back_end)
{
	struct vballoon_kept *kept = &back_end->kept;

	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		renew(back_end, "kick", i, &kept->kick[i], back_end->vrings[i].kick);
		renew(back_end, "call", i, &kept->call[i], back_end->vrings[i].call);
		renew(back_end, "err", i, &kept->err[i], back_end->vrings[i].err);
	}
	renew(back_end, "log-event", 0, &kept->log_event, back_end->dirty_log.event);
	renew(back_end, "requests", 0, &kept->requests, back_end->requests_socket);
}

static void keep_slot(struct vballoon_vhost_user *back_end, struct vballoon_slot *slot)
{
	char name[NAME_MAX_BYTES];

	if (slot->id)
		return;
	slot->id = ++back_end->slot_ids;
	name_of(name, "memory", slot->id);
	vballoon_kept_keep(back_end, name, slot->fd);
	name_of(name, "pages", slot->id);
	if (slot->page_map_fd >= 0)
		vballoon_kept_keep(back_end, name, slot->page_map_fd);
}

static bool has_slot(const struct vballoon_kept_state *state, uint64_t id)
{
	for (unsigned int i = 0; i < state->slots; i++) {
		if (state->slot[i].id == id)
			return true;
	}
	return false;
}

/* What has gone since is not needed any more, now that @now counts. */
static void forget_slots(struct vballoon_vhost_user *back_end,
			 const struct vballoon_kept_state *before,
			 const struct vballoon_kept_state *now)
{
	char name[NAME_MAX_BYTES];

	for (unsigned int i = 0; i < before->slots; i++) {
		if (has_slot(now, before->slot[i].id))
			continue;
		name_of(name, "memory", before->slot[i].id);
		forget(back_end, name);
		name_of(name, "pages", before->slot[i].id);
		forget(back_end, name);
	}
}

static void write_vring(const struct vballoon_vring *vring, struct vballoon_kept_vring *to)
{
	*to = (struct vballoon_kept_vring){
		.addr = vring->addr,
		.size = vring->queue.size,
		.next = vring->queue.next,
		.bits = (vring->addr_given ? VBALLOON_KEPT_ADDR_GIVEN : 0) |
			(vring->base_given ? VBALLOON_KEPT_BASE_GIVEN : 0) |
			(vring->kick_given ? VBALLOON_KEPT_KICK_GIVEN : 0) |
			(vring->enabled ? VBALLOON_KEPT_ENABLED : 0) |
			(vring->running ? VBALLOON_KEPT_RUNNING : 0),
	};
}

/* What is known of whether the memory is shared. */
static uint32_t shared_bits(const struct vballoon_vhost_user *back_end)
{
	return (back_end->memory_proven ? VBALLOON_KEPT_PROVEN : 0) |
	       (back_end->memory.not_shared ? VBALLOON_KEPT_NOT_SHARED : 0);
}

static void write_state(const struct vballoon_vhost_user *back_end, struct vballoon_kept_state *to)
{
	const struct vballoon_memory_table *memory = &back_end->memory;

	to->messages = back_end->messages;
	to->features_acked = back_end->features_acked;
	to->protocol_features = back_end->protocol_features;
	to->slot_ids = back_end->slot_ids;
	to->log = back_end->log_where;
	to->bits = (back_end->features_usable ? VBALLOON_KEPT_USABLE : 0) |
		   (back_end->dirty_log.map ? VBALLOON_KEPT_LOGS : 0) |
		   (back_end->owned ? VBALLOON_KEPT_OWNED : 0) |
		   (back_end->driver_heard ? VBALLOON_KEPT_HEARD : 0) | shared_bits(back_end);
	to->device_status = back_end->device_status;
	for (unsigned int i = 0; i < back_end->vring_count; i++)
		write_vring(&back_end->vrings[i], &to->vrings[i]);
	to->slots = memory->count;
	for (unsigned int i = 0; i < memory->count; i++)
		to->slot[i] =
			(struct vballoon_kept_slot){ memory->slots[i]->wire, memory->slots[i]->id };
	to->peer = back_end->channel.peer;
	to->answer_bytes = (uint32_t)back_end->channel.out_len;
	memcpy(to->answer, back_end->channel.out, back_end->channel.out_len);
}

/* Descriptors first, so that what counts has all of its own. */
void vballoon_kept_update(struct vballoon_vhost_user *back_end)
{
	struct vballoon_kept *kept = &back_end->kept;
	struct vballoon_kept_state *before, *now;

	if (!kept->file)
		return;
	renew_events(back_end);
	for (unsigned int i = 0; i < back_end->memory.count; i++)
		keep_slot(back_end, back_end->memory.slots[i]);
	before = state_of(kept, true);
	now = state_of(kept, false);
	write_state(back_end, now);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&kept->file->turn, kept->file->turn ^ 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	forget_slots(back_end, before, now);
}

/* One word of the state that counts, whose other bits are of the last message. */
void vballoon_kept_note_shared(struct vballoon_vhost_user *back_end)
{
	struct vballoon_kept_state *now;

	if (!back_end->kept.file)
		return;
	now = state_of(&back_end->kept, true);
	__atomic_store_n(&now->bits,
			 (now->bits & ~(VBALLOON_KEPT_PROVEN | VBALLOON_KEPT_NOT_SHARED)) |
				 shared_bits(back_end),
			 __ATOMIC_RELAXED);
}

static int take_slot(struct vballoon_vhost_user *back_end, const struct vballoon_kept_slot *from)
{
	char name[NAME_MAX_BYTES];
	int fd, page_map_fd;

	name_of(name, "pages", from->id);
	page_map_fd = find(back_end, name);
	name_of(name, "memory", from->id);
	fd = find(back_end, name);
	if (fd < 0) {
		vballoon_event_replace(&page_map_fd, -1);
		return -EINVAL;
	}
	return vballoon_memory_table_recover(&back_end->memory, &from->wire, fd, page_map_fd,
					     from->id);
}

static int take_event(struct vballoon_vhost_user *back_end, const char *what, unsigned int index,
		      int *seen)
{
	char name[NAME_MAX_BYTES];

	name_of(name, what, index);
	*seen = find(back_end, name);
	return *seen;
}

static int take_vring(struct vballoon_vhost_user *back_end, unsigned int index,
		      const struct vballoon_kept_vring *from)
{
	struct vballoon_vring *vring = &back_end->vrings[index];
	struct vballoon_kept *kept = &back_end->kept;

	vring->addr = from->addr;
	vring->queue.size = from->size;
	vring->queue.next = from->next;
	vring->addr_given = from->bits & VBALLOON_KEPT_ADDR_GIVEN;
	vring->base_given = from->bits & VBALLOON_KEPT_BASE_GIVEN;
	vring->kick_given = from->bits & VBALLOON_KEPT_KICK_GIVEN;
	vring->enabled = from->bits & VBALLOON_KEPT_ENABLED;
	vring->call = take_event(back_end, "call", index, &kept->call[index]);
	vring->err = take_event(back_end, "err", index, &kept->err[index]);
	return vballoon_vring_set_kick(back_end, index,
				       take_event(back_end, "kick", index, &kept->kick[index]));
}

/* Without one that is wanted the guest would miss, where it moves to, what is written here. */
static int take_log(struct vballoon_vhost_user *back_end, const struct vballoon_kept_state *from)
{
	int fd = find(back_end, "log");
	int ret = 0;

	back_end->log_where = from->log;
	back_end->dirty_log.event = take_event(back_end, "log-event", 0, &back_end->kept.log_event);
	if (from->bits & VBALLOON_KEPT_LOGS)
		ret = fd < 0 ? -EINVAL
			     : vballoon_dirty_log_map(&back_end->dirty_log, &from->log, fd);
	vballoon_event_replace(&fd, -1);
	return vballoon_features_log(from->features_acked) ? ret : 0;
}

/* What the one before had received, no front end can have made worse: it was checked then. */
int vballoon_kept_take(struct vballoon_vhost_user *back_end)
{
	const struct vballoon_kept_state *from = state_of(&back_end->kept, true);
	int ret;

	if (from->slots > VBALLOON_MEMORY_REGIONS_MAX || from->answer_bytes > VBALLOON_ANSWER_MAX)
		return -EINVAL;
	back_end->messages = from->messages;
	back_end->channel.peer = from->peer;
	back_end->features_acked = from->features_acked;
	back_end->protocol_features = from->protocol_features;
	back_end->slot_ids = from->slot_ids;
	back_end->owned = from->bits & VBALLOON_KEPT_OWNED;
	back_end->features_usable = from->bits & VBALLOON_KEPT_USABLE;
	back_end->memory_proven = from->bits & VBALLOON_KEPT_PROVEN;
	back_end->driver_heard = from->bits & VBALLOON_KEPT_HEARD;
	back_end->memory.not_shared = from->bits & VBALLOON_KEPT_NOT_SHARED;
	back_end->device_status = (uint8_t)from->device_status;
	back_end->requests_socket = take_event(back_end, "requests", 0, &back_end->kept.requests);
	ret = take_log(back_end, from);
	for (unsigned int i = 0; i < from->slots && !ret; i++)
		ret = take_slot(back_end, &from->slot[i]);
	for (unsigned int i = 0; i < back_end->vring_count && !ret; i++)
		ret = take_vring(back_end, i, &from->vrings[i]);
	if (ret)
		return ret;
	back_end->dirty_log.wanted = vballoon_features_log(back_end->features_acked);
	for (unsigned int i = 0; i < back_end->vring_count; i++)
		vballoon_vring_recover(back_end, i, from->vrings[i].bits & VBALLOON_KEPT_RUNNING);
	memcpy(back_end->channel.out, from->answer, from->answer_bytes);
	back_end->answer_kept = from->answer_bytes;
	return 0;
}

void vballoon_kept_end(struct vballoon_vhost_user *back_end)
{
	struct vballoon_kept *kept = &back_end->kept;
	const struct vballoon_kept_state *state;
	struct vballoon_kept_state none = { .slots = 0 };

	if (!kept->file)
		return;
	/* Without this the rest has no meaning to anybody. */
	forget(back_end, "session");
	state = state_of(kept, true);
	forget_slots(back_end, state, &none);
	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		renew(back_end, "kick", i, &kept->kick[i], -1);
		renew(back_end, "call", i, &kept->call[i], -1);
		renew(back_end, "err", i, &kept->err[i], -1);
	}
	renew(back_end, "log-event", 0, &kept->log_event, -1);
	renew(back_end, "requests", 0, &kept->requests, -1);
	forget(back_end, "log");
}

void vballoon_kept_close(struct vballoon_kept *kept)
{
	if (kept->file)
		munmap(kept->file, kept->bytes);
	kept->file = NULL;
}
