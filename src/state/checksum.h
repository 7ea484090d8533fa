/* SPDX-License-Identifier: BSD-3-Clause */
/* The checksum of a saved state: CRC-32C (RFC 3720, 12.1). */
#ifndef VBALLOON_STATE_CHECKSUM_H
#define VBALLOON_STATE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t vballoon_checksum(const void *bytes, size_t len);

#endif /* VBALLOON_STATE_CHECKSUM_H */
