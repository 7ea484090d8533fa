/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"

/* A driver that has not come to rest by then never will. */
#define STEPS_MAX 100000

static const uint64_t range_at[PORT_RANGES] = { PORT_LOW, PORT_LOW + PORT_RANGE_BYTES, PORT_HIGH };

static uint64_t range_units(const struct port_guest *guest)
{
	return PORT_RANGE_BYTES >> guest->config.unit_shift;
}

unsigned int port_guest_units(const struct port_guest *guest)
{
	return (unsigned int)(PORT_RANGES * range_units(guest));
}

uint64_t port_guest_unit_gpa(const struct port_guest *guest, unsigned int unit)
{
	uint64_t units = range_units(guest);

	return range_at[unit / units] + (unit % units << guest->config.unit_shift);
}

static unsigned int unit_of(const struct port_guest *guest, uint64_t gpa)
{
	for (unsigned int i = 0; i < PORT_RANGES; i++) {
		if (gpa >= range_at[i] && gpa - range_at[i] < PORT_RANGE_BYTES)
			return (unsigned int)(i * range_units(guest) +
					      ((gpa - range_at[i]) >> guest->config.unit_shift));
	}
	fail_msg("%#llx is not the guest's", (unsigned long long)gpa);
	return 0;
}

bool port_guest_is_out(const struct port_guest *guest, uint64_t gpa)
{
	return guest->out[unit_of(guest, gpa)];
}

bool port_guest_is_reported(const struct port_guest *guest, uint64_t gpa)
{
	return guest->reported[unit_of(guest, gpa)];
}

/* A page of the guest's own has its address at both ends. */
static uint64_t *stamp(const struct port_guest *guest, uint64_t gpa, bool end)
{
	uint64_t at =
		gpa + (end ? (UINT64_C(1) << guest->config.unit_shift) - sizeof(uint64_t) : 0);

	return guest_memory_at(&guest->memory, at, sizeof(uint64_t));
}

static void write_stamps(const struct port_guest *guest, uint64_t gpa)
{
	*stamp(guest, gpa, false) = *stamp(guest, gpa, true) = ~gpa;
}

static void check_stamps(const struct port_guest *guest, uint64_t gpa)
{
	if (*stamp(guest, gpa, false) != ~gpa || *stamp(guest, gpa, true) != ~gpa)
		fail_msg("the guest's page at %#llx has changed", (unsigned long long)gpa);
}

void port_guest_check(struct port_guest *guest)
{
	for (unsigned int unit = 0; unit < port_guest_units(guest); unit++) {
		if (!guest->out[unit] && !guest->reported[unit])
			check_stamps(guest, port_guest_unit_gpa(guest, unit));
	}
}

static uint64_t get_page(void *context, uint64_t most, struct vballoon_gpa *gpa_out)
{
	struct port_guest *guest = context;
	unsigned int unit = 0, units = 0;

	assert_true(most >= 1);
	guest->gets++;
	if (guest->misfit.value) {
		*gpa_out = guest->misfit;
		guest->misfit.value = 0;
		return 1;
	}
	while (unit < port_guest_units(guest) && (guest->out[unit] || guest->reported[unit]))
		unit++;
	*gpa_out =
		vballoon_gpa(unit < port_guest_units(guest) ? port_guest_unit_gpa(guest, unit) : 0);
	/* A block does not go on into the range that does not adjoin. */
	while (unit + units < port_guest_units(guest) && units < most && units < guest->block &&
	       guest->spare && !guest->out[unit + units] && !guest->reported[unit + units] &&
	       port_guest_unit_gpa(guest, unit + units) ==
		       gpa_out->value + ((uint64_t)units << guest->config.unit_shift)) {
		guest->out[unit + units++] = true;
		guest->out_count++;
		guest->spare--;
	}
	return units;
}

/* With F_ZEROED, what the device hands back is zeros. */
static void check_zeros(const struct port_guest *guest, uint64_t gpa)
{
	if (!guest->driver || guest->device_lies ||
	    !(port_guest_status(guest).features >> VIRTIO_MEMORY_BALLOON_F_ZEROED & 1))
		return;
	if (*stamp(guest, gpa, false) || *stamp(guest, gpa, true))
		fail_msg("%#llx came back with something in it", (unsigned long long)gpa);
}

static void return_page(void *context, struct vballoon_gpa gpa, uint64_t units,
			enum vballoon_guest_cause cause)
{
	struct port_guest *guest = context;

	assert_true(units >= 1);
	guest->causes[cause] += (unsigned int)units;
	if (gpa.value >= PORT_SHARED)
		return; /* the misfit */
	for (uint64_t i = 0; i < units; i++) {
		uint64_t at = gpa.value + (i << guest->config.unit_shift);
		unsigned int unit = unit_of(guest, at);

		if (!guest->out[unit])
			fail_msg("%#llx came back and was not out", (unsigned long long)at);
		guest->out[unit] = false;
		guest->out_count--;
		guest->spare++;
		if (cause == VBALLOON_GUEST_REFUSED)
			check_stamps(guest, at);
		else if (cause == VBALLOON_GUEST_HANDED_BACK)
			check_zeros(guest, at);
		write_stamps(guest, at);
	}
}

/* Pages leave the guest's hands, or are back with contents that are not theirs. */
static void move_units(struct port_guest *guest, uint64_t gpa, uint64_t units, bool out)
{
	for (uint64_t i = 0; i < units; i++) {
		uint64_t at = gpa + (i << guest->config.unit_shift);

		assert_true(guest->out[unit_of(guest, at)] != out);
		guest->out[unit_of(guest, at)] = out;
		if (!out)
			write_stamps(guest, at);
	}
	guest->out_count += (unsigned int)(out ? units : -units);
	guest->spare -= (unsigned int)(out ? units : -units);
}

int port_guest_move(struct port_guest *guest, uint64_t from, uint64_t to, uint64_t units)
{
	const struct vballoon_guest_pair pair = { vballoon_gpa(to), vballoon_gpa(from), units };
	int error = vballoon_guest_exchange(guest->driver, &pair, 1);

	if (!error && to != VBALLOON_GUEST_NOTHING)
		move_units(guest, to, units, true);
	return error;
}

static void exchanged(void *context, const struct vballoon_guest_pair *pair,
		      enum vballoon_guest_outcome outcome)
{
	struct port_guest *guest = context;

	if (outcome == VBALLOON_GUEST_SWAPPED) {
		guest->swapped++;
		for (uint64_t i = 0; i < pair->units; i++)
			check_zeros(guest, pair->take.value + (i << guest->config.unit_shift));
		move_units(guest, pair->take.value, pair->units, false);
		return;
	}
	guest->unswapped++;
	if (pair->give.value == VBALLOON_GUEST_NOTHING)
		return;
	for (uint64_t i = 0; i < pair->units && outcome == VBALLOON_GUEST_NOT_SWAPPED; i++)
		check_stamps(guest, pair->give.value + (i << guest->config.unit_shift));
	move_units(guest, pair->give.value, pair->units, false);
}

static uint64_t free_next(void *context, bool first, uint64_t most, struct vballoon_gpa *gpa_out)
{
	struct port_guest *guest = context;
	unsigned int unit = first ? 0 : guest->report_next, units = 0;

	while (unit < port_guest_units(guest) && guest->out[unit])
		unit++;
	if (unit < port_guest_units(guest))
		*gpa_out = vballoon_gpa(port_guest_unit_gpa(guest, unit));
	while (unit + units < port_guest_units(guest) && units < most && units < guest->block &&
	       !guest->out[unit + units] &&
	       port_guest_unit_gpa(guest, unit + units) ==
		       gpa_out->value + ((uint64_t)units << guest->config.unit_shift))
		guest->reported[unit + units++] = true;
	guest->report_next = unit + units;
	guest->reports += units;
	return units;
}

static void free_done(void *context, struct vballoon_gpa gpa, uint64_t units, bool zeroed)
{
	struct port_guest *guest = context;

	for (uint64_t i = 0; i < units; i++) {
		uint64_t at = gpa.value + (i << guest->config.unit_shift);

		assert_true(guest->reported[unit_of(guest, at)]);
		guest->reported[unit_of(guest, at)] = false;
		guest->zeroed += zeroed;
		if (zeroed)
			check_zeros(guest, at);
		write_stamps(guest, at);
	}
}

static void reset(void *context)
{
	struct port_guest *guest = context;

	guest->resets++;
	guest->side_ops->reset(guest->side);
}

static int start(void *context, uint64_t features, const struct vballoon_queue queues[2])
{
	struct port_guest *guest = context;

	assert_int_equal(features & ~guest->config.offered, 0);
	assert_true(features & PORT_VERSION_1);
	guest->starts++;
	if (guest->start_error)
		return guest->start_error;
	return guest->side_ops->start(guest->side, features, queues);
}

static void notify(void *context, unsigned int queue)
{
	struct port_guest *guest = context;

	guest->side_ops->notify(guest->side, queue);
}

static uint64_t random64(void *context)
{
	struct port_guest *guest = context;

	return guest->epochs += UINT64_C(0x9e3779b97f4a7c15);
}

static struct virtio_memory_balloon_stat stat_of(const struct port_guest *guest, uint16_t tag,
						 unsigned int units)
{
	return (struct virtio_memory_balloon_stat){
		.tag = vballoon_le16(tag),
		.value = vballoon_le64((uint64_t)units << guest->config.unit_shift),
	};
}

static unsigned int stats(void *context, struct virtio_memory_balloon_stat *stats,
			  unsigned int room)
{
	struct port_guest *guest = context;
	unsigned int all = port_guest_units(guest);

	assert_true(room >= 3);
	stats[0] = stat_of(guest, VIRTIO_MEMORY_BALLOON_S_MEMFREE, guest->spare);
	stats[1] = stat_of(guest, VIRTIO_MEMORY_BALLOON_S_AVAIL, all - guest->out_count);
	stats[2] = stat_of(guest, VIRTIO_MEMORY_BALLOON_S_MEMTOT, all);
	return 3;
}

static const struct vballoon_guest_ops ops = {
	.get_page = get_page,
	.return_page = return_page,
	.reset = reset,
	.start = start,
	.notify = notify,
	.random64 = random64,
	.stats = stats,
	.exchanged = exchanged,
	.free_next = free_next,
	.free_done = free_done,
};

static void add_memory(struct port_guest *guest, uint64_t gpa, uint64_t size, unsigned char *host)
{
	if (host)
		guest_memory_borrow(&guest->memory, gpa, size, host);
	else
		guest_memory_add(&guest->memory, gpa, size);
}

void port_guest_prepare(struct port_guest *guest, uint64_t offered, uint32_t unit_shift)
{
	port_guest_prepare_at(guest, offered, unit_shift, NULL);
}

void port_guest_prepare_at(struct port_guest *guest, uint64_t offered, uint32_t unit_shift,
			   void *host)
{
	unsigned char *next = host;

	memset(guest, 0, sizeof(*guest));
	guest_memory_init(&guest->memory);
	guest->now_ms = 5000;
	add_memory(guest, PORT_SHARED, PORT_SHARED_BYTES, next);
	for (unsigned int i = 0; i < PORT_RANGES; i++) {
		next = next ? next + PORT_RANGE_BYTES : NULL;
		add_memory(guest, range_at[i], PORT_RANGE_BYTES, next);
		guest->ranges[i] = (struct vballoon_guest_range){ vballoon_gpa(range_at[i]),
								  vballoon_bytes(PORT_RANGE_BYTES),
								  guest->bitmaps[i] };
	}
	guest->config = (struct vballoon_guest_config){
		.ops = &ops,
		.context = guest,
		.page_shift = 12,
		.revision = VIRTIO_MEMORY_BALLOON_REVISION,
		.offered = offered | PORT_VERSION_1,
		.features = ~UINT64_C(0),
		.queue_size = { 64, 64 },
		.unit_shift = unit_shift,
		.ranges = guest->ranges,
		.range_count = PORT_RANGES,
		.shared = guest_memory_at(&guest->memory, PORT_SHARED, VBALLOON_GUEST_SHARED_BYTES),
		.shared_gpa = vballoon_gpa(PORT_SHARED),
	};
	/* Whatever was there; and the host has it from now on. */
	memset(guest->config.shared, 0xa5, VBALLOON_GUEST_SHARED_BYTES);
	memset(guest->storage, 0xa5, sizeof(guest->storage));
	memset(guest->bitmaps, 0xa5, sizeof(guest->bitmaps));
	guest->spare = port_guest_units(guest);
	guest->block = 1;
	for (unsigned int unit = 0; unit < port_guest_units(guest); unit++)
		write_stamps(guest, port_guest_unit_gpa(guest, unit));
}

void port_guest_init(struct port_guest *guest, const struct port_side *side_ops, void *side)
{
	guest->side_ops = side_ops;
	guest->side = side;
	assert_int_equal(vballoon_guest_init(guest->storage, &guest->config, &guest->driver), 0);
	vballoon_guest_start(guest->driver);
}

void port_guest_destroy(struct port_guest *guest)
{
	guest_memory_destroy(&guest->memory);
}

void port_guest_step(struct port_guest *guest)
{
	guest->wait_ms = vballoon_guest_run(guest->driver, guest->now_ms);
}

void port_guest_run(struct port_guest *guest)
{
	unsigned int steps = 0;

	do {
		port_guest_step(guest);
		assert_true(++steps < STEPS_MAX);
	} while (!guest->wait_ms);
}

struct vballoon_guest_status port_guest_status(const struct port_guest *guest)
{
	struct vballoon_guest_status status;

	vballoon_guest_status(guest->driver, &status);
	return status;
}
