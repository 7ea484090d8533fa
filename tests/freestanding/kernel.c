/* SPDX-License-Identifier: BSD-3-Clause */
/* The least kernel that the example of a port links with: no C library, nothing runs. */
#include <stddef.h>

#include "guest_port.h"
#include "traditional_port.h"

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int __ctzdi2(uint64_t value);
void _start(void);

void *memcpy(void *to, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((volatile unsigned char *)to)[i] = ((const unsigned char *)from)[i];
	return to;
}

void *memmove(void *to, const void *from, size_t len)
{
	if ((uintptr_t)to <= (uintptr_t)from)
		return memcpy(to, from, len);
	while (len--)
		((volatile unsigned char *)to)[len] = ((const unsigned char *)from)[len];
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((volatile unsigned char *)to)[i] = (unsigned char)byte;
	return to;
}

/* Of the compiler's own runtime, which is not here for each machine. */
int __ctzdi2(uint64_t value)
{
	int bit = 0;

	while (bit < 63 && !(value >> bit & 1))
		bit++;
	return bit;
}

uint32_t kernel_read32(uintptr_t address)
{
	return *(volatile uint32_t *)address;
}

void kernel_write32(uintptr_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

uint64_t kernel_page_alloc(void)
{
	return 0;
}

void kernel_page_free(uint64_t address)
{
	(void)address;
}

uint64_t kernel_physical(const void *object)
{
	return (uintptr_t)object;
}

uint64_t kernel_random64(void)
{
	return 4;
}

uint64_t kernel_now_ms(void)
{
	return 0;
}

void _start(void)
{
	if (guest_port_probe(0x10000000, 0x40000000, 0x40000000))
		while (guest_port_work() || guest_port_out_of_memory())
			;
	guest_port_shutdown();
	if (traditional_port_probe(0x20000000, 0x40000000, 0x40000000))
		while (traditional_port_work() || traditional_port_page_now())
			;
	traditional_port_shutdown();
}
