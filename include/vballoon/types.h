/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values that carry their unit, so that swapped arguments do not compile.
 *
 * Error convention of the whole library: a function that can fail returns 0, a
 * negative errno, which the caller forwards, or a positive outcome that is
 * documented at that function, which the caller handles. What a guest or a
 * front end does wrong is never such a return value: it is recorded by the
 * device (enum vballoon_violation) and can stop that one device only.
 *
 * Texts and names that a function returns are constants of the library, never to be freed, and
 * never NULL unless that is said at the function.
 */
#ifndef VBALLOON_TYPES_H
#define VBALLOON_TYPES_H

#include <stdint.h>

/** A guest physical byte address. Not a pointer: see vballoon/memory.h. */
struct vballoon_gpa {
	uint64_t value;
};

/** A length in bytes. */
struct vballoon_bytes {
	uint64_t value;
};

static inline struct vballoon_gpa vballoon_gpa(uint64_t value)
{
	struct vballoon_gpa gpa = { value };

	return gpa;
}

static inline struct vballoon_bytes vballoon_bytes(uint64_t value)
{
	struct vballoon_bytes bytes = { value };

	return bytes;
}

#endif /* VBALLOON_TYPES_H */
