/* SPDX-License-Identifier: BSD-3-Clause */
/* The example of a port for the traditional balloon (traditional_port.c); what it needs of the
 * kernel is in guest_port.h. */
#ifndef VBALLOON_EXAMPLES_TRADITIONAL_PORT_H
#define VBALLOON_EXAMPLES_TRADITIONAL_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* As those of guest_port.h. */
bool traditional_port_probe(uintptr_t mmio, uint64_t memory, uint64_t bytes);
uint64_t traditional_port_work(void);
void traditional_port_shutdown(void);

/* A page for somebody who cannot wait and holds any lock: its address, or 0. */
uint64_t traditional_port_page_now(void);

#endif /* VBALLOON_EXAMPLES_TRADITIONAL_PORT_H */
