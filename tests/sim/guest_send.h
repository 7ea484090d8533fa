/* SPDX-License-Identifier: BSD-3-Clause */
/* What the driver says. Each returns whether a message was sent. */
#ifndef SIM_GUEST_SEND_H
#define SIM_GUEST_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_driver.h"

bool guest_send_hello(struct guest_driver *driver);
bool guest_send_stats(struct guest_driver *driver);

/* At most @pages, fewer when the guest has not as many. */
bool guest_send_add(struct guest_driver *driver, uint64_t pages);
bool guest_send_withdraw(struct guest_driver *driver, uint64_t pages, bool for_pressure);

/* For messages that are files of their own: whether there is room beside a WITHDRAW,
 * and to send one. */
bool guest_send_has_room(const struct guest_driver *driver);
bool guest_send_message(struct guest_driver *driver, struct guest_message *message);

/* A report that nobody has asked for. */
bool guest_send_pushed_stats(struct guest_driver *driver);

/* After starting over: what was not added again by now goes back to the guest. */
void guest_send_no_orphans(struct guest_driver *driver);

#endif /* SIM_GUEST_SEND_H */
