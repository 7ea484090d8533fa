# SPDX-License-Identifier: BSD-3-Clause
"""a guest that needs its memory, or a reset, while much is being reported as free waits, and lives on"""

import time

from bed.crooked_device import RESET
from bed.modules import BALLOON_MODULE
from bed.rig import PATTERN_SEED, SYSFS, expect, served
from bed.willing_device import ASK_REPORT, WillingDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0"]}
STATE = f"{SYSFS}/state"
LATE_SECONDS = 0.6  # less than the driver waits
# What comes back may lie in lists of another processor, and the kernel keeps more for itself for a
# while where it has found no block of the kind that it wanted.
KEPT_MIB = 32


class LateDevice(WillingDevice):
    """Takes its time to answer a REPORT, and may ask for a reset meanwhile."""

    def __init__(self) -> None:
        self.late = 0
        self.resets = 0
        super().__init__()

    def _report(self, flags: int, said: bytes) -> bytes:
        self.late += 1
        if self.resets:
            self.resets -= 1
            self._requests.append((RESET, 0, 0))
            self._send_requests()
        time.sleep(LATE_SECONDS)
        return super()._report(flags, said)


def run(assets):
    with served(assets, LateDevice(), **OWN_MACHINE) as (device, vm):
        mib = vm.guest.spare_mib() - KEPT_MIB  # more than there is without what is being reported
        vm.guest.load(BALLOON_MODULE)
        vm.guest.wait_for("the driver", lambda: device._epoch)
        device.ask(ASK_REPORT, value=1)
        vm.guest.wait_for("a report", lambda: device.late)
        vm.guest.fill(mib, PATTERN_SEED)
        pages, bad = vm.guest.verify(PATTERN_SEED)
        expect(bad == 0, f"{pages} pages to be intact: {bad} are not")
        vm.guest.release()
        device.resets = 1
        epoch = device._epoch
        device.ask(ASK_REPORT, value=2)
        vm.guest.wait_for("the driver to start again", lambda: device._epoch != epoch)
        vm.guest.wait_for("the reset to be over",
                          lambda: vm.guest.ask(f"read {STATE}") == "running")
        vm.check_kernel()
