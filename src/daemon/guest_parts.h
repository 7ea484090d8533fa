/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of a guest want of each other: its life (guest.c), the front ends that come
 * (guest_front_end.c), orders (guest_orders.c). */
#ifndef VBALLOON_DAEMON_GUEST_PARTS_H
#define VBALLOON_DAEMON_GUEST_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/guest.h"

/* Keep the orders where they outlive this process: after each, before whoever gave it is
 * answered. */
void vballoon_guest_keep_orders(const struct vballoon_guest *guest);

/* End an order whose time is over. */
void vballoon_guest_look_at_deadline(struct vballoon_guest *guest, uint64_t now_ms);

/* Pages that wait for the host to be short of memory; that it is, for a pressure's callback. */
uint64_t vballoon_guest_warm_pages(const struct vballoon_guest *guest);
void vballoon_guest_feel_pressure(void *context);

/* Let memory be given back, or not, as the interlock has it. */
void vballoon_guest_inhibit(struct vballoon_guest *guest);

/* Have the back end do what is due, by one of its two ways. */
typedef int vballoon_guest_server(struct vballoon_vhost_user *back_end);
void vballoon_guest_serve(struct vballoon_guest *guest, vballoon_guest_server *how);

/* The front end has said something, for the loop. */
void vballoon_guest_ready(void *context, uint32_t events);

/* Serve a front end that came before the one there had gone, or turn it away. */
void vballoon_guest_settle_next(struct vballoon_guest *guest, uint64_t now_ms);

#endif /* VBALLOON_DAEMON_GUEST_PARTS_H */
