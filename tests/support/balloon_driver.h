/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver of the balloon in the guest of a test front end, one message at a time. */
#ifndef VBALLOON_TESTS_BALLOON_DRIVER_H
#define VBALLOON_TESTS_BALLOON_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/abi/memory_balloon.h>

#include "front_end.h"

/* The most entries that a message of this driver has. */
#define BALLOON_DRIVER_ENTRIES_MAX 1024U

/* Send @readable_len bytes with room for @writable_len, and wait for the answer:
 * its length, or -1 when the device does not answer. */
int balloon_driver_send(struct front_end *front_end, const void *readable, uint32_t readable_len,
			void *writable, uint32_t writable_len);

/* Say HELLO: the pages that the device says it holds. */
uint64_t balloon_driver_hello(struct front_end *front_end, uint64_t epoch, uint32_t flags);

/* Add @count pages from the @first of the balloon's on: how many were accepted. */
unsigned int balloon_driver_add(struct front_end *front_end, unsigned int first,
				unsigned int count);

/* Ask for @most pages: how many came, the first few in @pages. */
unsigned int balloon_driver_withdraw(struct front_end *front_end, uint64_t most, uint64_t *pages,
				     unsigned int capacity);

/* Post a buffer for the device's requests. */
void balloon_driver_post_request(struct front_end *front_end);

/* The next request that the device has sent; false when there is none. */
bool balloon_driver_next_request(struct front_end *front_end,
				 struct virtio_memory_balloon_req *request);

/* The @index-th page of the balloon, as the guest sees it. */
unsigned char *balloon_driver_page(struct front_end *front_end, unsigned int index);

#endif /* VBALLOON_TESTS_BALLOON_DRIVER_H */
