/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device answers. */
#ifndef SIM_GUEST_ANSWER_H
#define SIM_GUEST_ANSWER_H

#include <stdint.h>

#include "guest_driver.h"

/* @message came back with @written bytes. */
void guest_answer_take(struct guest_driver *driver, struct guest_message *message,
		       uint32_t written);

#endif /* SIM_GUEST_ANSWER_H */
