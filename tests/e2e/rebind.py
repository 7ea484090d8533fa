# SPDX-License-Identifier: BSD-3-Clause
"""a driver that is unbound and bound again and again, its balloon full, loses no page"""

import contextlib
import time

from bed.failure import Failure
from bed.modules import BALLOON_MODULE
from bed.rig import expect

# Once with most of the guest's memory, then many times with so little that it is quickly done.
BALLOON_MIB, SMALL_BALLOON_MIB = 448, 8
TIMES, TIMES_THOROUGH = 20, 1000
DRIVER = f"/sys/bus/virtio/drivers/{BALLOON_MODULE}"
DEVICES_MAX = 8
KEPT_MIB_MAX = 2  # what the kernel's caches may have grown by


def device_name(guest):
    """The balloon's, on its bus."""
    for name in (f"virtio{number}" for number in range(DEVICES_MAX)):
        with contextlib.suppress(Failure):
            guest.ask(f"read {DRIVER}/{name}/held_pages")
            return name
    raise Failure("the driver has no device")


def rebind(rig, name, balloon_mib):
    """With a full balloon. Returns the driver's epoch, and what the guest has free without it."""
    rig.daemon.resize(balloon_mib)
    rig.check_accounts(balloon_mib)
    epoch = rig.daemon.status()["epoch"]
    rig.guest.ask(f"write {DRIVER}/unbind {name}")
    free_mib = rig.guest.free_mib()
    rig.guest.ask(f"write {DRIVER}/bind {name}")
    return epoch, free_mib


# Proves DRV-RESET-1, DRV-RESET-2.
def run(rig):
    rig.load()
    name = device_name(rig.guest)
    times = TIMES_THOROUGH if rig.thorough else TIMES
    rebind(rig, name, BALLOON_MIB)
    began = time.monotonic()
    epochs, free_mib = zip(*(rebind(rig, name, SMALL_BALLOON_MIB) for _ in range(times)))
    took = time.monotonic() - began
    # Each has filled a balloon of its own.
    expect(len(set(epochs)) == times, f"{times} drivers: {len(set(epochs))} were there")
    lost_mib = free_mib[0] - free_mib[-1]
    kept_mib = KEPT_MIB_MAX + rig.assets.kernel.holds_back_mib()
    expect(lost_mib < kept_mib, f"as much memory free at the end as at first: "
           f"{free_mib[0]:.1f} MiB, then {free_mib[-1]:.1f}")
    rebind(rig, name, BALLOON_MIB)
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_returned()
    return [f"bound and unbound: {times} times in {took:.0f} s"]
