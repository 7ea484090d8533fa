# SPDX-License-Identifier: BSD-3-Clause
"""a guest out of memory gets what it was refused for being short of it, and nobody is killed"""

import time

from bed.crooked_device import F_PAGE_RUNS, RESIZE
from bed.modules import BALLOON_MODULE
from bed.rig import expect, served
from bed.willing_device import WillingDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0"]}
BALLOON_PAGES = 256 << 8
LACKING_MIB = 40
F_WITHDRAW_REASON = 1 << 2
PRESSURE, OOM = 1, 2
SLOW_SECONDS = 0.3  # much less than who is out of memory waits for both answers, on a busy host


class StrictDevice(WillingDevice):
    """Refuses a guest that is short of memory, and takes its time for that. What is being reported
    would be missing from what is to be had, and be waited for by who is out of memory."""

    features = F_PAGE_RUNS | F_WITHDRAW_REASON

    def _withdraw(self, flags: int, said: bytes) -> bytes:
        if flags != PRESSURE:
            return super()._withdraw(flags, said)
        self.reasons.append(flags)
        time.sleep(SLOW_SECONDS)
        return b""


# Proves DRV-REASON-2.
def run(assets):
    with served(assets, StrictDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        guest.load(BALLOON_MODULE)
        device.ask(RESIZE, BALLOON_PAGES)
        guest.wait_for("a balloon", lambda: device.held() == BALLOON_PAGES)
        guest.occupy(guest.memory_mib()["available"] + LACKING_MIB)
        expect(PRESSURE in device.reasons and OOM in device.reasons,
               f"a guest to be short of memory, and then out of it: {device.reasons}")
        guest.release()
        guest.unload(BALLOON_MODULE)
        vm.check_kernel()
