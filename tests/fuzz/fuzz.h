/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every fuzzed program has: bytes that tell it what to do, and a count of how often it
 * got to what it is there for. A program is linked with a fuzzer, or with replay.c, which
 * runs the inputs of a file.
 */
#ifndef VBALLOON_TESTS_FUZZ_H
#define VBALLOON_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Run one input; ends the process when something does not hold. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* How often, in this process, inputs got past every check to the core of what is fuzzed;
 * and what that is, for a person. */
extern uint64_t fuzz_reached;
extern const char fuzz_core[];

/* End the process, and say what did not hold. */
#define FUZZ_HOLDS(condition) fuzz_holds(condition, #condition, __FILE__, __LINE__)
void fuzz_holds(bool condition, const char *text, const char *file, int line);

/* An input, taken from the front. */
struct fuzz_input {
	const uint8_t *bytes;
	size_t len;
};

/* The next bytes as a little-endian number; zeros where none are left. */
uint8_t fuzz_u8(struct fuzz_input *input);
uint16_t fuzz_u16(struct fuzz_input *input);
uint32_t fuzz_u32(struct fuzz_input *input);
uint64_t fuzz_u64(struct fuzz_input *input);

/* The next @most bytes into @to, or as many as are left: how many. */
size_t fuzz_bytes(struct fuzz_input *input, void *to, size_t most);

#endif /* VBALLOON_TESTS_FUZZ_H */
