/* SPDX-License-Identifier: BSD-3-Clause */
/* The size that a person wants, as the balloon that it takes. */
#ifndef VBALLOON_CLI_WANTED_H
#define VBALLOON_CLI_WANTED_H

#include <stdint.h>

#include "cli/cli.h"

/* What a percentage and what the guest keeps are reckoned from. */
struct vballoon_wanted_memory {
	uint64_t memory_bytes;
	uint64_t page_bytes; /* of the balloon */
};

/* @return @percent of @memory_bytes, rounded down; does not overflow. */
uint64_t vballoon_wanted_part(uint64_t memory_bytes, unsigned int percent);

/* @return the largest balloon, in whole pages, that leaves the guest @kept_bytes,
 *         which are not more than its memory. */
uint64_t vballoon_wanted_balloon(const struct vballoon_wanted_memory *memory, uint64_t kept_bytes);

/* Read the operand of `set`. Returns VBALLOON_EXIT_OK and the balloon's size; else
 * the exit code that fits, having told why. */
int vballoon_wanted_read(const struct vballoon_cli_options *options, struct vballoon_client *client,
			 uint64_t *bytes_out);

#endif /* VBALLOON_CLI_WANTED_H */
