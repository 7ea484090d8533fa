/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device answers. */
#ifndef SIM_GUEST_ANSWER_H
#define SIM_GUEST_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_driver.h"

/* A run of pages that an entry names. */
struct guest_run {
	uint64_t gpa;
	uint64_t pages;
};

struct guest_run guest_run_of(const struct guest_driver *driver, uint64_t entry);
bool guest_run_contains(const struct guest_driver *driver, struct guest_run run, uint64_t gpa);

/* The device breaks the rules: take nothing more of its answer. */
void guest_answer_refuse(struct guest_driver *driver, const char *why, uint64_t value);

/* A page comes back: whether it was the device's to hand back. */
bool guest_take_returned(struct guest_driver *driver, uint64_t gpa);

/* With F_ZEROED, the page at @gpa is zeros. */
void guest_expect_zeros(const struct guest_driver *driver, uint64_t gpa);

/* @message came back with @written bytes. */
void guest_answer_take(struct guest_driver *driver, struct guest_message *message,
		       uint32_t written);

/* What the device has published of the page at @gpa (struct oracle_wire). */
enum oracle_news guest_answer_news(void *driver, uint64_t gpa);

#endif /* SIM_GUEST_ANSWER_H */
