/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user wire: what a front end and a back end exchange over their
 * socket. Integers are in the byte order of the host. A message is a header
 * and a payload of header.size bytes; descriptors travel beside it.
 */
#ifndef VBALLOON_VHOST_USER_PROTOCOL_H
#define VBALLOON_VHOST_USER_PROTOCOL_H

#include <stdint.h>

/* Feature bits that are the transport's: no driver is to see them. */
#define VHOST_F_LOG_ALL 26 /* log every write to guest memory */
#define VHOST_USER_F_PROTOCOL_FEATURES 30

/* A feature bit of the driver's that messages depend on: its queues are packed. */
#define VIRTIO_F_RING_PACKED 34

/* Protocol feature bits, as far as this back end has them. */
#define VHOST_USER_PROTOCOL_F_MQ 0
#define VHOST_USER_PROTOCOL_F_LOG_SHMFD 1
#define VHOST_USER_PROTOCOL_F_REPLY_ACK 3
#define VHOST_USER_PROTOCOL_F_BACKEND_REQ 5
#define VHOST_USER_PROTOCOL_F_CONFIG 9
#define VHOST_USER_PROTOCOL_F_RESET_DEVICE 13
#define VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS 15
#define VHOST_USER_PROTOCOL_F_STATUS 16
#define VHOST_USER_PROTOCOL_F_DEVICE_STATE 19

enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
	VHOST_USER_SET_DEVICE_STATE_FD = 42,
	VHOST_USER_CHECK_DEVICE_STATE = 43,
	VHOST_USER_REQUEST_COUNT
};

/* What a back end sends over the socket of SET_BACKEND_REQ_FD. */
enum vhost_user_backend_request {
	VHOST_USER_BACKEND_CONFIG_CHANGE_MSG = 2,
};

/* struct vhost_user_header.flags */
#define VHOST_USER_VERSION_MASK 0x3U
#define VHOST_USER_VERSION 0x1U
#define VHOST_USER_REPLY 0x4U
#define VHOST_USER_NEED_REPLY 0x8U

struct vhost_user_header {
	uint32_t request; /* enum vhost_user_request */
	uint32_t flags;
	uint32_t size; /* of the payload, in bytes */
};

/* SET_VRING_NUM, BASE, ENABLE; GET_VRING_BASE and its reply */
struct vhost_user_vring_state {
	uint32_t index;
	uint32_t num;
};

#define VHOST_USER_VRING_F_LOG 0x1U /* of struct vhost_user_vring_addr.flags */

/* SET_VRING_ADDR: the ring, by the front end's own addresses */
struct vhost_user_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log; /* guest address that stands for the used ring in the log */
};

/* SET_VRING_KICK, CALL, ERR: a u64 of these */
#define VHOST_USER_VRING_INDEX_MASK 0xffU
#define VHOST_USER_VRING_NOFD 0x100U

/* One stretch of guest memory; its descriptor travels beside it. */
struct vhost_user_region {
	uint64_t guest_addr;
	uint64_t size;
	uint64_t user_addr; /* in the front end's address space */
	uint64_t mmap_offset; /* of the first byte in the file */
};

/* Descriptors that travel with one message; regions of one SET_MEM_TABLE. */
#define VHOST_USER_FDS_MAX 8

/* SET_MEM_TABLE: followed by count regions, at most VHOST_USER_FDS_MAX */
struct vhost_user_mem_table {
	uint32_t count;
	uint32_t padding;
};

/* ADD_MEM_REG, REM_MEM_REG */
struct vhost_user_mem_region {
	uint64_t padding;
	struct vhost_user_region region;
};

/* GET_CONFIG, SET_CONFIG: followed by size bytes */
struct vhost_user_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
};

#define VHOST_USER_CONFIG_MAX 256 /* bytes of a configuration space */

/* SET_LOG_BASE */
struct vhost_user_log {
	uint64_t mmap_size;
	uint64_t mmap_offset;
};

/* SET_DEVICE_STATE_FD; answered by an error in the low byte, and VHOST_USER_VRING_NOFD:
 * the descriptor of the front end is used. CHECK_DEVICE_STATE: 0 or an error. */
struct vhost_user_transfer_state {
	uint32_t direction; /* VHOST_USER_TRANSFER_SAVE, LOAD */
	uint32_t phase; /* VHOST_USER_TRANSFER_STOPPED */
};

#define VHOST_USER_TRANSFER_SAVE 0U /* from the back end */
#define VHOST_USER_TRANSFER_LOAD 1U
#define VHOST_USER_TRANSFER_STOPPED 0U /* no queue runs */

#define VHOST_USER_LOG_PAGE_SHIFT 12 /* what one bit of the log stands for */

#endif /* VBALLOON_VHOST_USER_PROTOCOL_H */
