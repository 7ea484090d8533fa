/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "vhost_user/event.h"

#define STEP_BYTES ((size_t)1 << 20)
#define ROOM_FIRST ((size_t)1 << 16)

void vballoon_transfer_close(struct vballoon_transfer *transfer)
{
	vballoon_event_replace(&transfer->fd, -1);
	free(transfer->bytes);
	*transfer = (struct vballoon_transfer){ .fd = -1 };
}

/* The front end gives its end away, so that this is nobody else's flag. */
static void begin(struct vballoon_transfer *transfer, enum vballoon_transfer_way way, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	vballoon_transfer_close(transfer);
	transfer->way = way;
	transfer->fd = fd;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		transfer->error = -errno;
}

void vballoon_transfer_save(struct vballoon_transfer *transfer, int fd, void *bytes, size_t len)
{
	begin(transfer, VBALLOON_TRANSFER_SAVE, fd);
	transfer->bytes = bytes;
	transfer->len = len;
}

void vballoon_transfer_load(struct vballoon_transfer *transfer, int fd)
{
	begin(transfer, VBALLOON_TRANSFER_LOAD, fd);
}

/* It is over: well, or for this reason. */
static bool end(struct vballoon_transfer *transfer, int error)
{
	transfer->error = error;
	vballoon_event_replace(&transfer->fd, -1);
	return false;
}

/* What read() or write() has not done: true, to be tried again. */
static bool failed(struct vballoon_transfer *transfer, int error)
{
	if (error == EINTR)
		return true;
	return error == EAGAIN ? false : end(transfer, -error);
}

static bool save_step(struct vballoon_transfer *transfer)
{
	size_t rest = transfer->len - transfer->done;
	ssize_t done = write(transfer->fd, transfer->bytes + transfer->done,
			     rest < STEP_BYTES ? rest : STEP_BYTES);

	if (done < 0)
		return failed(transfer, errno);
	transfer->done += (size_t)done;
	return transfer->done < transfer->len || end(transfer, 0);
}

/* Room grows with what has come, not with what is said to come. */
static int make_room(struct vballoon_transfer *transfer)
{
	size_t room = transfer->room ? transfer->room * 2 : ROOM_FIRST;
	uint8_t *bytes;

	if (transfer->len < transfer->room)
		return 0;
	if (room > VBALLOON_TRANSFER_BYTES_MAX)
		return -EFBIG;
	bytes = realloc(transfer->bytes, room);
	if (!bytes)
		return -ENOMEM;
	transfer->bytes = bytes;
	transfer->room = room;
	return 0;
}

static bool load_step(struct vballoon_transfer *transfer)
{
	int error = make_room(transfer);
	size_t room = transfer->room - transfer->len;
	ssize_t done;

	if (error)
		return end(transfer, error);
	done = read(transfer->fd, transfer->bytes + transfer->len,
		    room < STEP_BYTES ? room : STEP_BYTES);
	if (done < 0)
		return failed(transfer, errno);
	transfer->len += (size_t)done;
	return done || end(transfer, 0);
}

bool vballoon_transfer_run(struct vballoon_transfer *transfer)
{
	if (transfer->fd < 0)
		return false;
	if (transfer->error)
		return end(transfer, transfer->error);
	return transfer->way == VBALLOON_TRANSFER_SAVE ? save_step(transfer) : load_step(transfer);
}

bool vballoon_transfer_is_whole(const struct vballoon_transfer *transfer)
{
	return transfer->way != VBALLOON_TRANSFER_NONE && transfer->fd < 0 && !transfer->error;
}
