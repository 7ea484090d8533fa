/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the bytes of a message say, and whether they may say it: pure checks,
 * before anything acts on them. Each function returns NULL when all is well,
 * else a sentence on what is wrong, which ends the connection.
 */
#ifndef VBALLOON_VHOST_USER_CODEC_H
#define VBALLOON_VHOST_USER_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "vhost_user/protocol.h"

/* The longest payload that is read at all; every known message is shorter. */
#define VBALLOON_PAYLOAD_MAX 4096

const char *vballoon_codec_check_header(const struct vhost_user_header *header);

/* A region that is not empty, wraps nowhere, and is cut into pages as its file is. */
const char *vballoon_codec_check_region(const struct vhost_user_region *region);

/* Take a SET_MEM_TABLE apart: checked regions that do not overlap. */
const char *vballoon_codec_mem_table(const void *payload, size_t size,
				     struct vhost_user_region regions[VHOST_USER_FDS_MAX],
				     unsigned int *count_out);

#endif /* VBALLOON_VHOST_USER_CODEC_H */
