/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest of the example: a driver that says one thing at a time. Stands for
 * what a real guest's driver does; nothing that an embedder has to write.
 */
#ifndef VBALLOON_EXAMPLES_EMBED_GUEST_H
#define VBALLOON_EXAMPLES_EMBED_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/queue.h>

struct embed_guest;

/* A guest whose memory begins at address 0 and is mapped at @memory; it uses the
 * first 64 KiB for its rings and messages. NULL when there is no memory for it. */
struct embed_guest *embed_guest_new(void *memory);
void embed_guest_free(struct embed_guest *guest);

/* Where queue @index lies; what a driver tells its transport. */
struct vballoon_queue embed_guest_queue(unsigned int index);

/* Make a message available: HELLO, ADD of one run, WITHDRAW. */
void embed_guest_say_hello(struct embed_guest *guest, uint64_t epoch);
void embed_guest_add(struct embed_guest *guest, uint64_t address, uint64_t pages);
void embed_guest_withdraw(struct embed_guest *guest, uint64_t most);

/* Collect the answer: how many balloon pages are held (HELLO), the verdict (ADD),
 * or the first entry that came back, 0 for none (WITHDRAW). False: no answer. */
bool embed_guest_answer(struct embed_guest *guest, uint64_t *answer_out);

#endif /* VBALLOON_EXAMPLES_EMBED_GUEST_H */
