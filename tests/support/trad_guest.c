/* SPDX-License-Identifier: BSD-3-Clause */
#include "trad_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"

/* A driver that has not come to rest by then never will. */
#define STEPS_MAX 100000

static void reset(void *context)
{
	struct trad_guest *guest = context;

	guest->port.resets++;
	guest->side_ops->reset(guest->side);
}

static int start(void *context, uint64_t features,
		 const struct vballoon_traditional_guest_queue *queues, unsigned int count)
{
	struct trad_guest *guest = context;

	assert_int_equal(features & ~guest->config.offered, 0);
	assert_true(features & PORT_VERSION_1);
	guest->port.starts++;
	if (guest->port.start_error)
		return guest->port.start_error;
	return guest->side_ops->start(guest->side, features, queues, count);
}

static void notify(void *context, unsigned int index)
{
	struct trad_guest *guest = context;

	guest->side_ops->notify(guest->side, index);
}

static uint32_t queue_size(void *context, unsigned int index)
{
	const struct trad_guest *guest = context;

	return index < TRAD_QUEUES ? guest->queue_sizes[index] : 0;
}

static uint32_t num_pages(void *context)
{
	const struct trad_guest *guest = context;

	return guest->num_pages;
}

static void set_actual(void *context, uint32_t pages)
{
	struct trad_guest *guest = context;

	guest->actual = pages;
	guest->actual_writes++;
}

static uint64_t get_reserve(void *context, uint64_t most, struct vballoon_gpa *gpa_out)
{
	struct trad_guest *guest = context;

	guest->reserves++;
	return guest->port.config.ops->get_page(context, most, gpa_out);
}

static unsigned int stats(void *context, struct virtio_balloon_stat *stats, unsigned int room)
{
	const struct trad_guest *guest = context;

	assert_true(room >= 2);
	stats[0] = (struct virtio_balloon_stat){ vballoon_le16(VIRTIO_BALLOON_S_MEMTOT),
						 vballoon_le64(PORT_RANGES * PORT_RANGE_BYTES) };
	stats[1] = (struct virtio_balloon_stat){ vballoon_le16(VIRTIO_BALLOON_S_MEMFREE),
						 vballoon_le64(guest->port.spare) };
	return 2;
}

void trad_guest_prepare(struct trad_guest *guest, uint64_t offered, uint32_t unit_shift)
{
	trad_guest_prepare_at(guest, offered, unit_shift, NULL);
}

void trad_guest_prepare_at(struct trad_guest *guest, uint64_t offered, uint32_t unit_shift,
			   void *host)
{
	const struct vballoon_guest_config *port = &guest->port.config;

	memset(guest, 0, sizeof(*guest));
	port_guest_prepare_at(&guest->port, offered, unit_shift, host);
	memset(guest->storage, 0xa5, sizeof(guest->storage));
	for (unsigned int i = 0; i < TRAD_QUEUES; i++)
		guest->queue_sizes[i] = 64;
	guest->ops = (struct vballoon_traditional_guest_ops){
		.get_page = port->ops->get_page,
		.get_reserve = get_reserve,
		.return_page = port->ops->return_page,
		.reset = reset,
		.start = start,
		.notify = notify,
		.queue_size = queue_size,
		.num_pages = num_pages,
		.set_actual = set_actual,
		.stats = stats,
		.free_next = port->ops->free_next,
		.free_done = port->ops->free_done,
	};
	guest->config = (struct vballoon_traditional_guest_config){
		.ops = &guest->ops,
		.context = guest,
		.offered = port->offered,
		.features = ~UINT64_C(0),
		.unit_shift = unit_shift,
		.ranges = port->ranges,
		.range_count = port->range_count,
		.shared = port->shared,
		.shared_gpa = port->shared_gpa,
	};
}

void trad_guest_init(struct trad_guest *guest, const struct trad_side *side_ops, void *side)
{
	guest->side_ops = side_ops;
	guest->side = side;
	assert_int_equal(
		vballoon_traditional_guest_init(guest->storage, &guest->config, &guest->driver), 0);
	vballoon_traditional_guest_start(guest->driver);
}

void trad_guest_destroy(struct trad_guest *guest)
{
	port_guest_destroy(&guest->port);
}

void trad_guest_run(struct trad_guest *guest)
{
	unsigned int steps = 0;

	do {
		guest->port.wait_ms =
			vballoon_traditional_guest_run(guest->driver, guest->port.now_ms);
		assert_true(++steps < STEPS_MAX);
	} while (!guest->port.wait_ms);
}

void trad_guest_want(struct trad_guest *guest, uint32_t pages)
{
	guest->num_pages = pages;
	vballoon_traditional_guest_changed(guest->driver);
}

uint64_t trad_guest_take(struct trad_guest *guest, uint64_t most)
{
	struct vballoon_gpa gpa;
	uint64_t units = vballoon_traditional_guest_take(guest->driver, most, &gpa);

	if (units)
		guest->ops.return_page(guest, gpa, units, VBALLOON_GUEST_TAKEN_BACK);
	return units;
}

struct vballoon_traditional_guest_status trad_guest_status(const struct trad_guest *guest)
{
	struct vballoon_traditional_guest_status status;

	vballoon_traditional_guest_status(guest->driver, &status);
	return status;
}
