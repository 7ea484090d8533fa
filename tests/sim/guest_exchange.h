/* SPDX-License-Identifier: BSD-3-Clause */
/* EXCHANGE: the driver takes pages of its choice out of the balloon. */
#ifndef SIM_GUEST_EXCHANGE_H
#define SIM_GUEST_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_driver.h"

/* Swap some pages, or only take them. Returns whether a message was sent. */
bool guest_exchange_send(struct guest_driver *driver);

/* It was answered with @written bytes. */
void guest_exchange_answered(struct guest_driver *driver, const struct guest_message *message,
			     uint32_t written);

/* What its answer, published but not collected, says of the page at @gpa. */
enum oracle_news guest_exchange_news(const struct guest_driver *driver,
				     const struct guest_message *message, uint32_t written,
				     uint64_t gpa);

#endif /* SIM_GUEST_EXCHANGE_H */
