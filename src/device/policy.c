/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's policy, as far as it is the device that carries it out. */
#include <errno.h>

#include "device/core.h"

static struct vballoon_growth growth_of(const struct vballoon_device *device)
{
	uint32_t shift = device->config.page_shift;
	uint32_t unit_shift = device->journal->record.unit_shift;

	struct vballoon_growth growth = {
		.target = device->journal->record.target,
		.held = vballoon_held_count(device),
		.unit_pages = UINT64_C(1) << (unit_shift > shift ? unit_shift - shift : 0),
		.rate = device->policy.inflate_rate >> shift,
	};

	if (device->protocol->growth)
		device->protocol->growth(device, &growth);
	return growth;
}

void vballoon_device_ask(struct vballoon_device *device)
{
	struct vballoon_growth growth = growth_of(device);

	vballoon_pace_begin(&device->pace, &growth, device->now_ms);
	vballoon_requests_resize(device);
}

/* Whether there is a guest that would hear it if it was asked. */
static bool is_heard(const struct vballoon_device *device)
{
	return device->proof == VBALLOON_RECORD_PROVEN && !device->violation;
}

void vballoon_policy_run(struct vballoon_device *device)
{
	struct vballoon_growth growth;

	if (!device->policy.inflate_rate || !is_heard(device))
		return;
	growth = growth_of(device);
	if (vballoon_pace_go(&device->pace, &growth, device->now_ms))
		vballoon_requests_resize(device);
}

void vballoon_device_set_time(struct vballoon_device *device, uint64_t now_ms)
{
	device->now_ms = now_ms;
}

static uint64_t pace_due_ms(const struct vballoon_device *device)
{
	struct vballoon_growth growth;

	if (!device->policy.inflate_rate || !is_heard(device))
		return VBALLOON_NEVER;
	growth = growth_of(device);
	return vballoon_pace_due_ms(&device->pace, &growth);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t vballoon_device_due_ms(const struct vballoon_device *device)
{
	uint64_t due = sooner(pace_due_ms(device), vballoon_drop_due_ms(device));

	return device->protocol->due_ms ? sooner(due, device->protocol->due_ms(device)) : due;
}

/* Keeps DEV-REASON-3, DEV-REASON-4. */
uint64_t vballoon_policy_grant(struct vballoon_device *device, enum vballoon_withdraw_reason reason,
			       uint64_t most)
{
	uint64_t held = vballoon_held_count(device);
	uint64_t allowed =
		vballoon_policy_allows(&device->policy, device->config.page_shift, reason, held);

	if (!most)
		return 0;
	device->counters.withdraws[reason]++;
	if (most <= allowed || allowed == held)
		return most;
	device->counters.withdraws_refused[reason]++;
	device->policy_refused[reason] = true;
	return allowed;
}

/* Whether a driver that was refused could have more now. */
static bool grants_more(const struct vballoon_device *device, const struct vballoon_policy *policy)
{
	uint32_t shift = device->config.page_shift;
	uint64_t held = vballoon_held_count(device);

	for (unsigned int i = 0; i < VBALLOON_WITHDRAW_REASONS; i++) {
		if (device->policy_refused[i] &&
		    vballoon_policy_allows(policy, shift, i, held) >
			    vballoon_policy_allows(&device->policy, shift, i, held))
			return true;
	}
	return false;
}

int vballoon_device_set_policy(struct vballoon_device *device, const struct vballoon_policy *policy)
{
	uint32_t shift = device->config.page_shift;
	uint64_t memory = vballoon_device_memory_pages(device) << shift;
	enum vballoon_policy_fault fault = vballoon_policy_check(policy, shift, memory);
	bool another_rate = policy->inflate_rate != device->policy.inflate_rate;
	bool more;

	if (fault)
		return fault == VBALLOON_POLICY_FLOOR_HIGH ? -ERANGE : -EINVAL;
	/* What was granted before is not handed back afterwards. */
	device->protocol->leave(device);
	more = grants_more(device, policy);
	device->policy = *policy;
	if (another_rate)
		vballoon_device_ask(device);
	else if (more)
		vballoon_requests_resize(device);
	return 0;
}

void vballoon_device_policy(const struct vballoon_device *device,
			    struct vballoon_policy *policy_out)
{
	*policy_out = device->policy;
}
