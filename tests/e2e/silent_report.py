# SPDX-License-Identifier: BSD-3-Clause
"""a guest out of memory waits once, for a second, for a device that is silent about a report"""

import time

from bed.modules import BALLOON_MODULE
from bed.rig import expect, served
from bed.willing_device import ASK_REPORT, WillingDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0"]}
SILENT_SECONDS = 25  # less than what the driver takes for dead
GAP_MS_MAX = 10000  # a busy machine that emulates the guest
RIVALS = 2
RIVALS_SHARE = 1.2  # of what can be had: one alone leaves much of it
SECONDS = 180


class SilentDevice(WillingDevice):
    """Answers its first REPORT late."""

    def __init__(self) -> None:
        self.is_asked = False
        super().__init__()

    def _report(self, flags: int, said: bytes) -> bytes:
        if not self.is_asked:
            self.is_asked = True
            time.sleep(SILENT_SECONDS)
        return super()._report(flags, said)


# Proves DRV-BAD-8.
def run(assets):
    with served(assets, SilentDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        each_kib = int(guest.free_mib() * RIVALS_SHARE * 1024 / RIVALS)
        guest.load(BALLOON_MODULE)
        guest.wait_for("the driver", lambda: device._epoch)
        device.ask(ASK_REPORT, value=1)
        guest.wait_for("a report", lambda: device.is_asked)
        seen = guest.numbers(f"storm {RIVALS} {each_kib}", seconds=SECONDS)
        print(f"    {seen}")
        expect(seen["gap_ms"] <= GAP_MS_MAX, f"the guest to go on meanwhile: {seen}")
        guest.wait_for("the device to answer", lambda: device.reported_pages, SECONDS)
        guest.unload(BALLOON_MODULE)
        vm.check_kernel(killed=seen["killed"], leaks=False)
