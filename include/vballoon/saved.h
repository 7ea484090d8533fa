/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A saved state of a balloon device: what goes along when a guest moves to another host, or
 * is saved and started again. docs/state-format.md describes every byte of it.
 *
 * vballoon_device_save() writes one and vballoon_device_load() takes it in; what is here
 * looks at one without a device.
 */
#ifndef VBALLOON_SAVED_H
#define VBALLOON_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/migration.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What is wrong with a saved state. */
enum vballoon_saved_fault {
	VBALLOON_SAVED_OK,
	VBALLOON_SAVED_ALIEN, /**< it does not begin like a saved state */
	VBALLOON_SAVED_NEWER, /**< of a version of the format that is not known here */
	VBALLOON_SAVED_TRUNCATED, /**< its end is missing, or there is something behind it */
	VBALLOON_SAVED_CORRUPT, /**< its checksum is wrong, or it contradicts itself */
	VBALLOON_SAVED_CANNOT_MOVE, /**< the device is another: see struct vballoon_migration */
	VBALLOON_SAVED_OTHER_MEMORY, /**< of a guest with other memory */
	VBALLOON_SAVED_OTHER_DRIVER, /**< a driver has negotiated other features since */
	VBALLOON_SAVED_FAULT_COUNT,
};

/** What a saved state says. Page counts are balloon pages. */
struct vballoon_saved_info {
	/** Of the device and its driver. What was offered is not in it: 0. */
	struct vballoon_feature_set features;
	bool has_record; /**< the driver has said HELLO; else what follows is 0, but for the
			      target and the memory */
	uint64_t epoch;
	uint32_t unit_shift;
	uint64_t held_pages;
	uint64_t target_pages;
	uint64_t memory_pages;
};

/** What came of loading a saved state. */
struct vballoon_saved_check {
	enum vballoon_saved_fault fault;
	struct vballoon_migration migration; /**< with VBALLOON_SAVED_CANNOT_MOVE: why */
};

/**
 * The first bytes of a saved state tell how long it is; for who reads it from a stream.
 * @param state its first VBALLOON_SAVED_HEAD_BYTES bytes
 * @return the length of the whole; 0 when it is no state that is known here
 */
uint64_t vballoon_saved_bytes(const void *state);

/** What vballoon_saved_bytes() looks at. */
#define VBALLOON_SAVED_HEAD_BYTES 24

/**
 * Look at a saved state. Takes time in proportion to its length.
 * @param state the bytes, from anywhere: nothing in them is trusted
 * @param len how many
 * @param info_out what it says, when nothing is wrong with it; may be NULL
 * @return what is wrong with it in itself: VBALLOON_SAVED_OK to VBALLOON_SAVED_CORRUPT
 */
enum vballoon_saved_fault vballoon_saved_read(const void *state, size_t len,
					      struct vballoon_saved_info *info_out);

/** @return a short stable name, such as "truncated", for programs. */
const char *vballoon_saved_fault_name(enum vballoon_saved_fault fault);

/** @return a sentence without its full stop: what is wrong and what to do about it. */
const char *vballoon_saved_fault_text(enum vballoon_saved_fault fault);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_SAVED_H */
