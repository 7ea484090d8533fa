/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back end for one front end (VMM): it carries a memory balloon
 * device (vballoon/device.h) over a connected Unix socket.
 *
 * The back end is loop-agnostic: it hands out one file descriptor to poll and
 * does its work when told to. It starts no thread and sets no signal handler.
 * It receives the guest's memory, maps it, keeps the page maps in a memfd of
 * its own, finds out how each region's memory can be given back to the host
 * (reclaim.h), and owns every descriptor that the front end sends from the
 * moment it arrives.
 *
 * It has no clock. Where the device needs the time (vballoon_device_set_time()), tell it before
 * vballoon_vhost_user_process(), poll no longer than until vballoon_device_due_ms(), asked
 * afterwards, and process then though the descriptor has nothing.
 *
 * What the front end does wrong ends its connection with a reason; nothing else
 * is affected. (vhost-user protocol, as in QEMU's docs/interop/vhost-user.rst.)
 */
#ifndef VBALLOON_VHOST_USER_H
#define VBALLOON_VHOST_USER_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct vballoon_vhost_user;

/**
 * Where descriptors go that are to outlive this process, with what is known of the front end in
 * them. Each function is given struct vballoon_vhost_user_config.context.
 */
struct vballoon_vhost_user_keeper {
	/** Have @p fd, which stays the caller's, in place of what has this name, in this order
	 *  with all other calls. @return 0 or a negative errno */
	int (*keep)(void *context, const char *name, int fd);
	/** Nothing is needed under this name any more; there may have been nothing. */
	void (*forget)(void *context, const char *name);
	/** @return what another process has kept under this name, the caller's from now on;
	 *          -1: nothing */
	int (*find)(void *context, const char *name);
};

/** What a back end is made of. */
struct vballoon_vhost_user_config {
	uint32_t device_id; /**< as in struct vballoon_device_config */
	uint32_t page_shift; /**< of the device; 12 to 30 */
	uint64_t features; /**< device and ring bits to offer */
	bool start_empty; /**< a saved state that is not of this front end's guest is left
			       out; else the front end is turned away */
	/** A line for the operator's log; @p text is valid during the call. A guest
	 *  cannot cause more than a few in a while. May be NULL. */
	void (*log)(void *context, int priority, const char *text); /**< syslog priorities */
	void *context;
	const struct vballoon_policy *policy; /**< of the device, from the beginning; copied. NULL:
						   what is so without one */
	/** With one, the socket is not the front end's, but that of a relay which keeps the front
	 *  end's and repeats what was not answered (src/supervisor/relay.h). NULL: none */
	const struct vballoon_vhost_user_keeper *keeper;
};

/** What the front end has told, for an operator. */
struct vballoon_vhost_user_status {
	uint64_t protocol_features;
	uint64_t features_acked;
	unsigned int regions;
	bool queue_enabled[VBALLOON_QUEUES_MAX];
	bool queue_has_kick[VBALLOON_QUEUES_MAX];
	uint64_t messages; /**< received */
	int32_t peer; /**< the process that sent the last of them, whoever had opened the
			   socket; 0: none yet, or one in another PID namespace */
	uint64_t backing_bytes; /**< what the host holds of guest memory now, from st_blocks */
	uint64_t memory_bytes; /**< guest memory in all regions */
	const char *memory_problem; /**< why some guest memory cannot be reclaimed, and
					 what to do; NULL when there is nothing to say */
};

/**
 * Serve a front end.
 * @param config copied
 * @param socket a connected stream socket; the back end's from now on, also on
 *        failure; made non-blocking and close-on-exec
 * @param back_end_out the back end
 * @return 0; -EINVAL for a bad configuration; -ENOMEM, -EMFILE and what
 *         epoll_create1() or fcntl() gave
 */
int vballoon_vhost_user_new(const struct vballoon_vhost_user_config *config, int socket,
			    struct vballoon_vhost_user **back_end_out);

/**
 * Go on to serve a front end where another process was when it died, with what it had kept.
 * @param config as for vballoon_vhost_user_new(), with the keeper
 * @param socket the relay's, as for vballoon_vhost_user_new()
 * @param back_end_out the back end; vballoon_vhost_user_process() is due
 * @return as vballoon_vhost_user_new(); -ENOENT when nothing was kept: the front end has said
 *         nothing yet; -EINVAL also when what was kept is not to be understood. A failure may
 *         have had it forgotten, as vballoon_vhost_user_free() does: a keeper that is to give it
 *         to another process, as one of another version, passes over forget() meanwhile
 */
int vballoon_vhost_user_recover(const struct vballoon_vhost_user_config *config, int socket,
				struct vballoon_vhost_user **back_end_out);

/**
 * End the connection: unmaps guest memory, closes every descriptor, has the keeper forget all that
 * it has of them.
 * @param back_end may be NULL
 */
void vballoon_vhost_user_free(struct vballoon_vhost_user *back_end);

/**
 * @param back_end the back end
 * @return a descriptor to poll for reading, the same until vballoon_vhost_user_free(), which
 *         closes it. It is readable when the front end or the driver has said something; not for
 *         work that is left, or a time that has come
 */
int vballoon_vhost_user_fd(const struct vballoon_vhost_user *back_end);

/**
 * Do a bounded amount of work: messages, kicks, drops. The process has to ignore SIGPIPE: a
 * front end that closes the pipe of a state which is being saved (DEVICE_STATE) raises it.
 * @param back_end the back end
 * @return 0: poll again; 1: work is left, call again soon; -ECONNRESET: the
 *         front end has gone; -EPROTO: it broke the protocol (see
 *         vballoon_vhost_user_reason()); then only free is left to do. -EPIPE, with a keeper:
 *         the relay has gone, and the front end may be another's: the process ends, and frees
 *         nothing
 */
int vballoon_vhost_user_process(struct vballoon_vhost_user *back_end);

/**
 * The same without looking whether the front end or the driver has said something, which whoever
 * has just polled the descriptor and found nothing need not do: for work that is left.
 * @param back_end the back end
 * @return as vballoon_vhost_user_process()
 */
int vballoon_vhost_user_work(struct vballoon_vhost_user *back_end);

/**
 * @param back_end the back end
 * @return the device, to set targets and read its status, valid until vballoon_vhost_user_free().
 *         What is "followed by vballoon_device_run()" is followed by vballoon_vhost_user_process()
 *         here. Its queues, memory and features are the back end's to change
 */
struct vballoon_device *vballoon_vhost_user_device(struct vballoon_vhost_user *back_end);

/**
 * @param back_end the back end
 * @param status_out where to
 */
void vballoon_vhost_user_status(struct vballoon_vhost_user *back_end,
				struct vballoon_vhost_user_status *status_out);

/**
 * Have the device go on with a saved state, whichever way it has come; a front end may send
 * one too (DEVICE_STATE). It is loaded when a queue starts: before that the guest's memory
 * and what its driver has negotiated are not known. A state that is of another guest's
 * memory turns the front end away then, unless struct vballoon_vhost_user_config.start_empty, or
 * there was no driver when it was saved. The newest is what counts, and
 * what the device had on record of the guest before is forgotten when it has come.
 * @param back_end the back end
 * @param state copied; nothing in it is trusted
 * @param len bytes
 * @param check_out what is wrong with it, as far as that is known by now
 * @return 0; -EBUSY when a queue runs, so that another record is in use; -EINVAL when something
 *         is wrong with it, and the log says what; -ENOMEM
 */
int vballoon_vhost_user_load(struct vballoon_vhost_user *back_end, const void *state, size_t len,
			     struct vballoon_saved_check *check_out);

/**
 * Write down what the next device is to go on with: as vballoon_device_save(), but a state that
 * waits for the queues to start goes on as it came, unless the device has another target since.
 * @param back_end the back end
 * @param to where to, or NULL
 * @param room bytes there
 * @param len_out how long the state is
 * @return as vballoon_device_save()
 */
int vballoon_vhost_user_save(const struct vballoon_vhost_user *back_end, void *to, size_t room,
			     size_t *len_out);

/**
 * Visit every run of guest memory that the host has nothing of at this moment: it reads as zeros,
 * whatever has become of it before - held and dropped, reported and dropped, or never used. In order
 * of address. When the guest stands still, it need not travel to where memory is new. It is
 * found out from the files behind the memory, in time that grows with what they have.
 *
 * Left out is memory that is not the file's alone to tell of: what is never dropped, and a region in
 * whose file nobody was seen to write. Of huge pages the host does not tell where there are none.
 *
 * The caller vouches for the guest standing still, as for vballoon_device_each_skippable(). Whose
 * the balloon is does not matter here.
 * @param back_end the back end, no queue of which runs
 * @param from where to begin, to go on after a visitor that had enough
 * @param visit called for each run, of @c pages balloon pages; returns false when it has enough
 * @param context handed to @p visit
 * @return 0; -EBUSY while a queue runs; -EAGAIN when no driver was seen to write into the memory, or
 *         none has said anything to this back end, so that it may not be shared; what lseek() gave
 *         (DEV-STATE-8)
 */
int vballoon_vhost_user_each_hole(struct vballoon_vhost_user *back_end, struct vballoon_gpa from,
				  bool (*visit)(void *context, struct vballoon_gpa gpa,
						uint64_t pages),
				  void *context);

/**
 * @param back_end the back end
 * @return the process that sent the last message, as struct vballoon_vhost_user_status.peer,
 *         but -1 before the first. Takes no system call
 */
int32_t vballoon_vhost_user_peer(const struct vballoon_vhost_user *back_end);

/**
 * @param back_end the back end
 * @return why the front end was turned away, a sentence; "" when it was not. Valid until
 *         vballoon_vhost_user_free()
 */
const char *vballoon_vhost_user_reason(const struct vballoon_vhost_user *back_end);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_VHOST_USER_H */
