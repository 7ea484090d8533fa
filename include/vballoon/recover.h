/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that goes on from where another one was that died, at whatever instant, be it in the
 * midst of any function. What outlives it is the embedder's: guest memory, the page maps of its
 * regions, and the journal (struct vballoon_device_config.journal). Context as in
 * vballoon/device.h.
 */
#ifndef VBALLOON_RECOVER_H
#define VBALLOON_RECOVER_H

#include <stddef.h>

#include <vballoon/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** @return the bytes that struct vballoon_device_config.journal takes. */
size_t vballoon_journal_bytes(void);

/**
 * Make a device that goes on. Then come, in this order, its regions
 * (vballoon_device_recover_region()) and those of its queues that ran
 * (vballoon_device_recover_queue()). Its features need not be set; its target and what the
 * driver was asked are as they were; its policy, time and counters are not.
 * @param storage as for vballoon_device_init()
 * @param config likewise; config->journal is what the other one left
 * @param device_out the device
 * @return 0; -EINVAL as vballoon_device_init(), and when the journal is none of a device with
 *         this device_id and page_shift, or the driver had a feature that is not offered now:
 *         then storage has no device, and the journal is as it was
 */
int vballoon_device_recover(void *storage, const struct vballoon_device_config *config,
			    struct vballoon_device **device_out);

/**
 * Add a region that a device which has died had (vballoon_device_recover()), with the page map
 * that it left.
 * @param device the device
 * @param region as for vballoon_device_add_region(), but that the page map is made sound
 *        instead of begun
 * @return as vballoon_device_add_region(); -EINVAL also when the page map is not the region's
 */
int vballoon_device_recover_region(struct vballoon_device *device,
				   const struct vballoon_region *region);

/**
 * Start a queue that ran when a device died (vballoon_device_recover()), where that one was:
 * what it had answered stays answered, what it had not is answered anew. Interrupts the driver,
 * from this function.
 * @param device the device
 * @param index which
 * @param queue as for vballoon_device_start_queue(); its next does not count
 * @return as vballoon_device_start_queue(); -ENOENT when this queue has never run: start it
 */
int vballoon_device_recover_queue(struct vballoon_device *device, unsigned int index,
				  const struct vballoon_queue *queue);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_RECOVER_H */
