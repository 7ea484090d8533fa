/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The example of a port (guest_port.c), and what a small kernel has anyway that it
 * needs: registers, pages, a clock.
 */
#ifndef VBALLOON_EXAMPLES_GUEST_PORT_H
#define VBALLOON_EXAMPLES_GUEST_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel's: 32-bit registers of the device, in the kernel's byte order. */
uint32_t kernel_read32(uintptr_t address);
void kernel_write32(uintptr_t address, uint32_t value);

/* The kernel's: a free page of 4 KiB by its physical address, 0 when none can be spared;
 * and back, which must need no memory. */
uint64_t kernel_page_alloc(void);
void kernel_page_free(uint64_t address);

/* The kernel's: where a static object lies in physical memory, unguessable bits, the time. */
uint64_t kernel_physical(const void *object);
uint64_t kernel_random64(void);
uint64_t kernel_now_ms(void);

/* Once, for each virtio-mmio device: whether it is a memory balloon, and is driven from
 * now on. @memory and @bytes are what kernel_page_alloc() hands out from. */
bool guest_port_probe(uintptr_t mmio, uint64_t memory, uint64_t bytes);

/* After guest_port_probe() and guest_port_out_of_memory(), on the device's interrupt, and when the
 * time has come that the last call returned: how many milliseconds from now, or ~0. */
uint64_t guest_port_work(void);

/* When no page is left: how many have come back. Called with no lock that kernel_page_free()
 * takes. */
uint64_t guest_port_out_of_memory(void);

/* Before another kernel starts. */
void guest_port_shutdown(void);

#endif /* VBALLOON_EXAMPLES_GUEST_PORT_H */
