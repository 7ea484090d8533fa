/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that says to the portable driver what the test tells it to, true or not. */
#ifndef VBALLOON_TESTS_PORT_LIAR_H
#define VBALLOON_TESTS_PORT_LIAR_H

#include "port_guest.h"
#include "ring/device_ring.h"

#define LIAR_ENTRIES 1024

/* A message of the driver's, as it came. */
struct liar_message {
	uint32_t type;
	uint32_t flags;
	uint64_t word; /* the first after the header: epoch, most, entry, id */
	uint64_t entries[LIAR_ENTRIES]; /* all of them */
	unsigned int count;
	uint64_t writable_len;
};

struct port_liar {
	struct port_guest guest;
	struct vballoon_device_ring rings[2];
	struct vballoon_chain chains[2]; /* the last that was taken */
	unsigned int kicks[2];
};

/* A driver that runs, negotiated what it could of @features, and has said nothing yet that was
 * answered; its guest finds pages one at a time. */
void port_liar_init(struct port_liar *liar, uint64_t features, uint32_t unit_shift);
/* The same with a todevq of that many descriptors. */
void port_liar_init_queue(struct port_liar *liar, uint64_t features, uint32_t unit_shift,
			  uint32_t todev_size);
void port_liar_destroy(struct port_liar *liar);

/* The driver's next message, which must be of @type. */
struct liar_message port_liar_take(struct port_liar *liar, uint32_t type);
/* Whether it has said nothing. */
bool port_liar_is_idle(struct port_liar *liar);
/* Answer the message that was taken last, and let the driver run. */
void port_liar_answer(struct port_liar *liar, const void *answer, size_t len);
/* The same with entries of a WITHDRAW. */
void port_liar_return(struct port_liar *liar, const uint64_t *entries, unsigned int count);
/* Send @len bytes of a request; the driver does not run. */
void port_liar_give_request(struct port_liar *liar, const void *request, size_t len);
/* Send a request, and let the driver run. */
void port_liar_request(struct port_liar *liar, uint32_t type, uint32_t flags, uint64_t value);

/* Answer HELLO: a driver that was greeted with an empty record. */
void port_liar_greet(struct port_liar *liar);
/* And has @pages in the balloon, at the beginning of its memory, and is at its target. */
void port_liar_fill(struct port_liar *liar, unsigned int pages);

/* Fail unless the driver has found the device out: it is reset, every page is back, and
 * nothing follows. */
void port_liar_expect_failure(struct port_liar *liar, enum vballoon_guest_failure failure);
/* Fail unless it goes on. */
void port_liar_expect_running(struct port_liar *liar);

#endif /* VBALLOON_TESTS_PORT_LIAR_H */
