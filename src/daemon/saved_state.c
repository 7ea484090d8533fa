// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/feature_names.h"
#include "daemon/log.h"
#include "daemon/saved_state.h"
#include "host/fd_stat.h"

/* Longer than any state of a guest that there is. */
#define BYTES_MAX (INT64_C(1) << 32)

void vballoon_saved_state_free(struct vballoon_saved_state *state)
{
	free(state->bytes);
	*state = (struct vballoon_saved_state){ .bytes = NULL };
}

/* Read all of an open file. Returns 0 or a negative errno. */
static int read_all(int fd, struct vballoon_saved_state *state)
{
	struct stat st;
	size_t room;
	ssize_t got;

	if (vballoon_fd_stat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > BYTES_MAX)
		return -EFBIG;
	room = (size_t)st.st_size;
	state->bytes = malloc(room ? room : 1);
	if (!state->bytes)
		return -ENOMEM;
	while (state->len < room) {
		got = read(fd, (char *)state->bytes + state->len, room - state->len);
		if (got < 0)
			return -errno;
		if (!got)
			break;
		state->len += (size_t)got;
	}
	return 0;
}

static void log_missing(uint32_t device_id, uint64_t missing)
{
	const char *name;

	for (; missing; missing &= missing - 1) {
		name = vballoon_feature_name(device_id, (unsigned int)__builtin_ctzll(missing));
		vballoon_log(LOG_ERR, "the guest's driver uses %s, which is not offered",
			     name ? name : "a feature without a name");
	}
}

static void log_obstacles(uint32_t device_id, const struct vballoon_migration *migration)
{
	for (unsigned int i = 0; i < VBALLOON_OBSTACLE_COUNT; i++) {
		if (migration->obstacles >> i & 1)
			vballoon_log(LOG_ERR, "%s", vballoon_obstacle_text(1U << i));
	}
	log_missing(device_id, migration->missing);
}

static int refuse(const char *path, enum vballoon_saved_fault fault)
{
	vballoon_log(LOG_ERR, "%s: %s", path, vballoon_saved_fault_text(fault));
	return -1;
}

int vballoon_saved_state_check(const struct vballoon_saved_info *info, const char *path,
			       const struct vballoon_feature_set *here)
{
	struct vballoon_migration migration;

	vballoon_migration_check(&info->features, here, &migration);
	/* As vballoon_device_load() has it. */
	migration.obstacles &= ~(unsigned int)VBALLOON_OBSTACLE_MUST_TELL;
	if (migration.obstacles) {
		log_obstacles(here->device_id, &migration);
		return refuse(path, VBALLOON_SAVED_CANNOT_MOVE);
	}
	vballoon_log(LOG_INFO, "%s: a state with %" PRIu64 " balloon pages, for the next front end",
		     path, info->held_pages);
	return 0;
}

int vballoon_saved_state_read(struct vballoon_saved_state *state, const char *path,
			      struct vballoon_saved_info *info_out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = fd < 0 ? -errno : read_all(fd, state);
	enum vballoon_saved_fault fault;

	if (fd >= 0)
		close(fd);
	if (err) {
		vballoon_log(LOG_ERR, "%s cannot be read: %s", path,
			     err == -EFBIG ? "it is no file of a state" : strerror(-err));
		vballoon_saved_state_free(state);
		return -1;
	}
	fault = vballoon_saved_read(state->bytes, state->len, info_out);
	if (!fault)
		return 0;
	vballoon_saved_state_free(state);
	return refuse(path, fault);
}

int vballoon_saved_state_take(struct vballoon_saved_state *state,
			      const struct vballoon_vhost_user *back_end)
{
	struct vballoon_saved_state taken = { .bytes = NULL };
	int err = vballoon_vhost_user_save(back_end, NULL, 0, &taken.len);

	if (err != -ENOSPC)
		return err;
	taken.bytes = malloc(taken.len);
	if (!taken.bytes)
		return -ENOMEM;
	err = vballoon_vhost_user_save(back_end, taken.bytes, taken.len, &taken.len);
	if (err) {
		vballoon_saved_state_free(&taken);
		return err;
	}
	vballoon_saved_state_free(state);
	*state = taken;
	return 0;
}
