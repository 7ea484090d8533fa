# SPDX-License-Identifier: BSD-3-Clause
"""where free memory must be zero, what a device leaves in memory reported as free reaches nobody"""

from bed.modules import BALLOON_MODULE
from bed.rig import expect, served
from bed.willing_device import ASK_REPORT, F_ALL, F_ZEROED, PAGE_SHIFT, WillingDevice, run_of, struct

GUESTS_OF_THEIR_OWN = True
# The kernel clears what is freed, and takes it for zero when it allocates.
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0", "init_on_free=1"]}
TAKEN_SHARE = 0.85


class SpoilingDevice(WillingDevice):
    """Gives every other entry to the host, as it should, and spoils the rest, as it may."""

    features = F_ALL | F_ZEROED

    def __init__(self) -> None:
        self.spoilt_pages = 0
        super().__init__()

    def _report(self, flags: int, said: bytes) -> bytes:
        verdicts = b""
        for index, (entry,) in enumerate(struct.iter_unpack("<Q", said)):
            if index % 2:
                super()._report(flags, struct.pack("<Q", entry))
            else:
                first, pages = run_of(entry)
                mapped, offset = self.memory.guest(first << PAGE_SHIFT)
                mapped[offset:offset + (pages << PAGE_SHIFT)] = b"\xa5" * (pages << PAGE_SHIFT)
                self.spoilt_pages += pages
            verdicts += bytes([index % 2])
        return verdicts


# Proves DRV-REPORT-3, DRV-REPORT-9, DRV-REPORT-10, DRV-ZEROED-2.
def run(assets):
    with served(assets, SpoilingDevice(), **OWN_MACHINE) as (device, vm):
        vm.guest.load(BALLOON_MODULE)
        vm.guest.wait_for("the driver", lambda: device._epoch)
        device.ask(ASK_REPORT, value=1)
        vm.guest.wait_for("the round", lambda: 1 in device.rounds)
        expect(device.spoilt_pages and device.reported_pages, "entries of both kinds")
        pages, bad = vm.guest.zeros(vm.guest.memory_mib()["available"] * TAKEN_SHARE)
        expect(bad == 0, f"{pages} pages that are new to a program to be zero: {bad} are not")
        vm.check_kernel()
