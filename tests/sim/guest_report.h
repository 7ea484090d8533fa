/* SPDX-License-Identifier: BSD-3-Clause */
/* REPORT: the driver names free memory, by itself or for a round. */
#ifndef SIM_GUEST_REPORT_H
#define SIM_GUEST_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_driver.h"

/* Report some free memory. Returns whether a message was sent. */
bool guest_report_send(struct guest_driver *driver);

/* Go on with the round that was asked for. Returns whether a message was sent. */
bool guest_report_round(struct guest_driver *driver);

/* It was answered. */
void guest_report_answered(struct guest_driver *driver, const struct guest_message *message,
			   uint32_t written);

/* Whether its answer, published but not collected, gives the page at @gpa back. */
enum oracle_news guest_report_news(const struct guest_driver *driver,
				   const struct guest_message *message, uint64_t gpa);

#endif /* SIM_GUEST_REPORT_H */
