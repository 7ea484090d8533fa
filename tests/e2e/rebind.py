# SPDX-License-Identifier: BSD-3-Clause
"""a driver that is unbound and bound again and again, its balloon full, loses no page"""

import contextlib

from bed.failure import Failure
from bed.modules import BALLOON_MODULE
from bed.rig import expect

BALLOON_MIB = 448
TIMES, TIMES_THOROUGH = 20, 100
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


# Proves DRV-RESET-1, DRV-RESET-2.
def run(rig):
    rig.load()
    name = device_name(rig.guest)
    free_mib = []
    for _ in range(TIMES_THOROUGH if rig.thorough else TIMES):
        rig.daemon.resize(BALLOON_MIB)
        rig.check_accounts(BALLOON_MIB)
        rig.guest.ask(f"write {DRIVER}/unbind {name}")
        free_mib.append(rig.guest.free_mib())
        rig.guest.ask(f"write {DRIVER}/bind {name}")
    lost_mib = free_mib[0] - free_mib[-1]
    kept_mib = KEPT_MIB_MAX + rig.assets.kernel.holds_back_mib()
    expect(lost_mib < kept_mib, f"as much memory free at the end as at first: {free_mib}")
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_returned()
