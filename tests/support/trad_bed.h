/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A traditional balloon (virtio device 5) in a test: the bed of device_bed.h with a driver
 * for that device. Queues are numbered as the caller starts them.
 */
#ifndef VBALLOON_TESTS_TRAD_BED_H
#define VBALLOON_TESTS_TRAD_BED_H

#include <vballoon/abi/traditional_balloon.h>

#include "device_bed.h"

#define INFLATE VIRTIO_BALLOON_VQ_INFLATE
#define DEFLATE VIRTIO_BALLOON_VQ_DEFLATE
#define STATS VIRTIO_BALLOON_VQ_STATS
#define HINT VIRTIO_BALLOON_VQ_FREE_PAGE
#define REPORT VIRTIO_BALLOON_VQ_REPORTING

#define TRAD(name) (UINT64_C(1) << VIRTIO_BALLOON_F_##name)
#define TRAD_QUEUE(index) (1U << (index))
/* The two that every driver has. */
#define TRAD_BOTH (TRAD_QUEUE(INFLATE) | TRAD_QUEUE(DEFLATE))
#define TRAD_ALL 0x1fU
/* Messages of a queue that may be under way. */
#define TRAD_MESSAGES_MAX 4

/* As bed_init(). */
void trad_bed_init(struct bed *bed, uint64_t features);

/* A driver begins, after a reset: fresh rings for these queues, in ascending order. */
void trad_start(struct bed *bed, unsigned int queues);
/* A device, 64 MiB of memory from GIB on that the host has in pages of 2^@host_page_shift, and a driver
 * that begins. */
void trad_begin(struct bed *bed, uint64_t features, uint32_t host_page_shift, unsigned int queues);
/* The guest pauses; it goes on where it was. */
void trad_stop(struct bed *bed);
void trad_go_on(struct bed *bed, unsigned int queues);

/* Post page numbers, or bytes as they are: the memory of a message serves again for the one that is
 * TRAD_MESSAGES_MAX later. */
void trad_post(struct bed *bed, unsigned int queue, const uint32_t *pfns, size_t count);
void trad_post_bytes(struct bed *bed, unsigned int queue, const void *bytes, size_t len);
/* Post stretches of guest memory, device-writable: address and length, in turns. */
void trad_post_free(struct bed *bed, unsigned int queue, const uint64_t (*stretches)[2],
		    unsigned int count);
/* Post one statistic, and let the device run. */
void trad_post_stat(struct bed *bed, uint16_t tag, uint64_t value);
/* Whether the oldest buffer came back; then nothing was written to it. */
bool trad_answered(struct bed *bed, unsigned int queue);

/* Post, let the device run, and have it back. */
void trad_say(struct bed *bed, unsigned int queue, const uint32_t *pfns, size_t count);
/* The same for @count pages from @gpa on, in ascending or descending order. */
void trad_say_up(struct bed *bed, unsigned int queue, uint64_t gpa, uint32_t count);
void trad_say_down(struct bed *bed, unsigned int queue, uint64_t gpa, uint32_t count);

/* A field of the configuration space, read; the driver's write of one. */
uint32_t trad_config(struct bed *bed, size_t offset);
void trad_config_write(struct bed *bed, size_t offset, uint32_t value);
#define TRAD_FIELD(field) offsetof(struct virtio_balloon_config, field)

/* The bytes that drops (or discards) have covered, since @from. */
uint64_t trad_dropped(const struct bed *bed, unsigned int from);

#endif /* VBALLOON_TESTS_TRAD_BED_H */
