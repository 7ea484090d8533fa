// SPDX-License-Identifier: BSD-3-Clause
#include "hooks.h"

#include <errno.h>
#include <inttypes.h>

#include <vballoon/abi/memory_balloon.h>

#include "death.h"

static void notify(void *context, unsigned int queue)
{
	struct world *world = context;

	trace_event(&world->trace, "notify", queue, 0);
	if (!world->queue_running[queue])
		trace_fail(&world->trace, "interrupts for queue %u, which is stopped", queue);
	death_step(world);
	world->interrupt[queue] = true;
	death_step(world);
}

static void journaled(void *context)
{
	death_step(context);
}

static void config_changed(void *context)
{
	struct world *world = context;

	trace_event(&world->trace, "config changes", 0, 0);
	world->config_changed = true;
}

static void stopped(void *context, enum vballoon_violation violation, unsigned int queue)
{
	struct world *world = context;

	trace_event(&world->trace, "device stopped", violation, queue);
	world->driver.reset_wanted = true; /* DEVICE_NEEDS_RESET */
	if (!world->hostile && !world->oracle.may_stop)
		trace_fail(&world->trace, "queue %u: %s", queue,
			   vballoon_violation_text(violation));
}

static int drop(void *context, const struct vballoon_region *region, struct vballoon_bytes offset,
		struct vballoon_bytes len)
{
	struct world *world = context;
	int result;

	ruling_check_drop(&world->ruling);
	death_step(world);
	result = host_drop(&world->host, region, offset, len);
	death_step(world);
	return result;
}

static int restore(void *context, const struct vballoon_region *region,
		   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	struct world *world = context;

	int result = host_restore(&world->host, region, offset, len);

	death_step(world);
	return result;
}

static int discard(void *context, const struct vballoon_region *region,
		   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	struct world *world = context;

	int result = host_discard(&world->host, region, offset, len);

	death_step(world);
	return result;
}

/* "A disabled ring is not consumed." Nor has the device business elsewhere. */
static void check_access(struct world *world, struct vballoon_gpa gpa, size_t len, bool changes)
{
	bool trad = changes && world->plan.traditional;
	bool clears = changes && guest_driver_has(&world->driver, VIRTIO_MEMORY_BALLOON_F_ZEROED);
	bool discards =
		changes && guest_driver_has(&world->driver, VIRTIO_MEMORY_BALLOON_F_REPORTING);
	bool running = false;

	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++)
		running |= world->queue_running[i];
	if (!running)
		trace_fail(&world->trace, "touched guest memory with no queue running");
	else if (world->hostile || guest_os_is_kernel_memory(&world->os, gpa.value, len))
		return;
	else if (clears || discards || trad)
		oracle_change(&world->oracle, gpa.value, len);
	else
		trace_fail(&world->trace, "touched %#" PRIx64 ", no part of a ring or message",
			   gpa.value);
}

static void spoil(struct world *world, uint64_t gpa, uint32_t len)
{
	uint64_t value = rng_next(&world->rng);

	world->summary.rewrites++;
	/* Small numbers are more dangerous than large ones: they look right. */
	if (rng_chance(&world->rng, 70))
		value = rng_below(&world->rng, 64);
	for (uint32_t i = 0; i < len && i < sizeof(value); i++) {
		uint32_t frame = machine_frame(&world->machine, gpa + i);
		uint64_t page = machine_page_bytes(&world->machine);

		if (frame == MACHINE_NO_FRAME)
			return;
		machine_pointer(&world->machine, frame)[(gpa + i) % page] =
			(uint8_t)(value >> (8 * i));
	}
}

/* Another vCPU writes to what is about to be read, or to anything else of the
 * driver's memory; or the read itself fails. */
static int be_hostile(struct world *world, struct vballoon_gpa gpa, size_t len)
{
	struct rng *rng = &world->rng;
	uint64_t kernel = machine_gpa(&world->machine, world->os.kernel_first);
	uint32_t bytes = 1u << rng_below(rng, 4);

	if (rng_chance(rng, 60))
		spoil(world, gpa.value + rng_below(rng, (uint32_t)len), bytes);
	else if (rng_chance(rng, 90))
		spoil(world, kernel + rng_below(rng, GUEST_OS_KERNEL_BYTES), bytes);
	else
		return -EIO;
	return 0;
}

static void maybe_interleave(struct world *world)
{
	if (world->guest_runs && rng_chance(&world->rng, 4))
		world_interleave(world);
}

static int before_read(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct world *world = context;

	check_access(world, gpa, len, false);
	maybe_interleave(world);
	if (world->hostile && len && rng_chance(&world->rng, world->plan.rewrites))
		return be_hostile(world, gpa, len);
	return 0;
}

/* There is a moment between the device's last look at a ring and its wish to be
 * kicked, in which no access falls: go back to it. */
static void interleave_before_write(struct world *world, struct vballoon_gpa gpa)
{
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++) {
		struct guest_queue *queue = &world->driver.queues[i];

		if (!world->queue_running[i] || gpa.value != guest_queue_kick_gpa(queue))
			continue;
		guest_queue_swap(queue);
		maybe_interleave(world);
		guest_queue_swap(queue);
		guest_queue_remember(queue);
	}
}

/* Guest memory that the host cannot bring: what is to be cleared, or part of a ring or
 * message, and then the device cannot go on. */
static int before_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct world *world = context;
	bool of_driver = guest_os_is_kernel_memory(&world->os, gpa.value, len);

	death_step(world);
	if (world->settling)
		return 0;
	if (!of_driver && rng_chance(&world->rng, world->plan.clear_failures)) {
		world->summary.clears_failed++;
		return -EIO;
	}
	if (!of_driver || ++world->writes != world->plan.failing_write)
		return 0;
	trace_event(&world->trace, "write fails", gpa.value, len);
	world->summary.writes_failed++;
	world->oracle.may_stop = world->reset_asked = true;
	/* It may go on without the reset, when the machine is paused before. */
	world->oracle.forgets_drops = true;
	return -EIO;
}

static void after_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct world *world = context;

	check_access(world, gpa, len, true);
	interleave_before_write(world, gpa);
	death_step(world);
	maybe_interleave(world);
}

void hooks_init(struct world *world)
{
	world->device_ops = (struct vballoon_device_ops){ .notify = notify,
							  .config_changed = config_changed,
							  .stopped = stopped,
							  .journaled = journaled };
	world->reclaim_ops = (struct vballoon_reclaim_ops){
		.drop = drop,
		.restore = world->plan.restore ? restore : NULL,
		.discard = discard,
		.zeroes = world->plan.zeroes,
	};
	world->hooks = (struct vballoon_memory_hooks){ .before_read = before_read,
						       .after_write = after_write,
						       .before_write = before_write };
}
