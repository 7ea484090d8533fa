/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Event descriptors that a front end sent. They are shared with it, so neither
 * their flags nor what they are can be relied on; nothing here ever blocks.
 */
#ifndef VBALLOON_VHOST_USER_EVENT_H
#define VBALLOON_VHOST_USER_EVENT_H

#include <stdint.h>

/* Raise an event; nothing happens when @fd is -1 or takes no more. */
void vballoon_event_signal(int fd);

/* Take note of an event that was raised: how often since the last time, as far as
 * that can be told. */
uint64_t vballoon_event_drain(int fd);

/* Put @fd in the place of *@owned_fd, which is closed; either may be -1. */
void vballoon_event_replace(int *owned_fd, int fd);

#endif /* VBALLOON_VHOST_USER_EVENT_H */
