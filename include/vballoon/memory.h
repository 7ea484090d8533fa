/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory: the one door from a guest physical address to host memory.
 *
 * Everything that the library reads of a guest goes through
 * vballoon_memory_read() or vballoon_memory_load16(), which copy it once into
 * private memory: a guest that rewrites a value afterwards rewrites nothing
 * that was checked. The hooks are where a dirty log listens, and where a test
 * injects races and faults.
 *
 * No function here allocates or blocks. A struct vballoon_memory belongs to one
 * thread at a time.
 */
#ifndef VBALLOON_MEMORY_H
#define VBALLOON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The most regions that a guest may have: boot memory and hotplugged slots. */
#define VBALLOON_MEMORY_REGIONS_MAX 64

/** Why the memory of a region is never dropped, or that it may be. */
enum vballoon_reclaimable {
	VBALLOON_RECLAIMABLE, /**< whole host pages may be dropped */
	VBALLOON_KEEP_UNKNOWN, /**< the backing could not be identified */
	VBALLOON_KEEP_NOT_SHARED, /**< the guest's writes do not reach the backing */
	VBALLOON_KEEP_FILE, /**< a file elsewhere, as on a disk: punching could destroy it */
	VBALLOON_KEEP_SEALED, /**< sealed against writing */
	VBALLOON_KEEP_READ_ONLY, /**< the descriptor does not permit writing */
	VBALLOON_KEEP_MISALIGNED, /**< its place in the file, or its size, is no multiple of the
				       host page */
	VBALLOON_KEEP_ASKED, /**< the embedder says so; or it has no reclaim operations */
	VBALLOON_KEEP_INHIBITED, /**< for now: see vballoon_device_inhibit() */
	VBALLOON_KEEP_WARM, /**< for now: see VBALLOON_PAGES_WARM */
	VBALLOON_KEEP_SILENT, /**< device 5: the guest may use it before it says so */
	VBALLOON_RECLAIMABLE_COUNT,
};

/** A stretch of guest physical memory that is contiguous in the host too. */
struct vballoon_region {
	struct vballoon_gpa gpa; /**< first byte; a multiple of the balloon page */
	struct vballoon_bytes size; /**< not 0; gpa + size does not wrap */
	void *host; /**< where the region is mapped, readable and writable */
	uint32_t host_page_shift; /**< log2 of what the host can drop at once */
	enum vballoon_reclaimable reclaimable;
	void *backing; /**< for the embedder's reclaim operations; not interpreted */
	void *page_map; /**< see vballoon_device_add_region() */
	size_t page_map_bytes; /**< at least vballoon_page_map_bytes() */
};

/** Callbacks on guest memory; each may be NULL. */
struct vballoon_memory_hooks {
	/** Called before @p len bytes at @p gpa are read. Returns 0, or a
	 *  negative errno that makes the read fail. */
	int (*before_read)(void *context, struct vballoon_gpa gpa, size_t len);
	/** Called after @p len bytes at @p gpa were written. */
	void (*after_write)(void *context, struct vballoon_gpa gpa, size_t len);
	/** Called before @p len bytes at @p gpa are written, as before_read: 0, or a
	 *  negative errno that makes the write fail with nothing written. */
	int (*before_write)(void *context, struct vballoon_gpa gpa, size_t len);
	/** Whether all memory is there that the driver may speak of by now. Asked of each buffer
	 *  that is found in a queue, before anything is read in it: when there is memory that
	 *  the embedder has still to add, the buffer stays for a later
	 *  vballoon_device_run(), which is to come as soon as the answer is another: the driver
	 *  need not kick again. NULL: it always is. */
	bool (*is_current)(void *context);
};

/** The regions of one guest, sorted by address. Zero-initialised: none. */
struct vballoon_memory {
	struct vballoon_region regions[VBALLOON_MEMORY_REGIONS_MAX];
	unsigned int count;
	const struct vballoon_memory_hooks *hooks;
	void *hooks_context;
};

/**
 * Add a region.
 * @param memory the guest's memory
 * @param region copied; @c host and @c page_map stay the caller's
 * @return 0; -EINVAL when it is empty or wraps; -EEXIST when it overlaps a
 *         region that is there; -ENOSPC when the table is full
 */
int vballoon_memory_add(struct vballoon_memory *memory, const struct vballoon_region *region);

/**
 * Remove the region that begins at an address.
 * @param memory the guest's memory
 * @param gpa the first byte of the region
 * @return 0; -ENOENT when no region begins there
 */
int vballoon_memory_remove(struct vballoon_memory *memory, struct vballoon_gpa gpa);

/**
 * Find the region that holds a whole range.
 * @param memory the guest's memory
 * @param gpa the first byte of the range
 * @param len its length; 0 finds nothing
 * @return the region, valid until one is added or removed; NULL when no single
 *         region holds all of the range, or the range wraps
 */
const struct vballoon_region *vballoon_memory_find(const struct vballoon_memory *memory,
						   struct vballoon_gpa gpa,
						   struct vballoon_bytes len);

/**
 * Tell whether a whole range is guest memory; it may cross adjacent regions.
 * @param memory the guest's memory
 * @param gpa the first byte of the range
 * @param len its length, not 0
 * @return true when every byte is in a region
 */
bool vballoon_memory_covers(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    struct vballoon_bytes len);

/**
 * Tell whether all memory is there that the driver may speak of by now.
 * @param memory the guest's memory
 * @return what the is_current hook returned
 */
bool vballoon_memory_is_current(const struct vballoon_memory *memory);

/**
 * Copy guest memory into private memory, each byte read once.
 * @param memory the guest's memory
 * @param gpa the first byte; the range may cross adjacent regions
 * @param to where to, @p len bytes
 * @param len how many
 * @return 0; -EFAULT when a byte is not guest memory (then @p to is undefined);
 *         what the before_read hook returned
 */
int vballoon_memory_read(const struct vballoon_memory *memory, struct vballoon_gpa gpa, void *to,
			 size_t len);

/**
 * Copy private memory into guest memory.
 * @param memory the guest's memory
 * @param gpa the first byte; the range may cross adjacent regions
 * @param from what to write, @p len bytes
 * @param len how many
 * @return 0; -EFAULT when a byte is not guest memory, with nothing written; what
 *         the before_write hook returned
 */
int vballoon_memory_write(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			  const void *from, size_t len);

/**
 * Fill guest memory with zeros.
 * @param memory the guest's memory
 * @param gpa the first byte; the range may cross adjacent regions
 * @param len how many
 * @return as vballoon_memory_write()
 */
int vballoon_memory_clear(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			  size_t len);

/**
 * Tell the after_write hook of memory that was changed by other means, such as a hole.
 * @param memory the guest's memory
 * @param gpa the first byte
 * @param len how many
 */
void vballoon_memory_changed(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			     size_t len);

/**
 * Load one aligned little-endian 16-bit index; later reads stay after it.
 * @param memory the guest's memory
 * @param gpa where; a multiple of 2
 * @param value_out the value, in the host's byte order
 * @return 0; -EFAULT when it is not guest memory or not aligned; what the hook
 *         returned
 */
int vballoon_memory_load16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			   uint16_t *value_out);

/**
 * Store one aligned little-endian 16-bit index; earlier writes stay before it.
 * @param memory the guest's memory
 * @param gpa where; a multiple of 2
 * @param value the value, in the host's byte order
 * @return 0; -EFAULT when it is not guest memory or not aligned; what the hook
 *         returned
 */
int vballoon_memory_store16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint16_t value);

/**
 * Store one aligned little-endian 64-bit value, as a whole, whoever looks; earlier writes stay
 * before it.
 * @param memory the guest's memory
 * @param gpa where; a multiple of 8
 * @param value the value, in the host's byte order
 * @return as vballoon_memory_store16()
 */
int vballoon_memory_store64(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint64_t value);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_MEMORY_H */
