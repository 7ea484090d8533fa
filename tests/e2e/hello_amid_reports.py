# SPDX-License-Identifier: BSD-3-Clause
"""what is free is reported though the device asks for HELLO in the midst of it"""

import time

from bed.crooked_device import HELLO_AGAIN
from bed.modules import BALLOON_MODULE
from bed.rig import served
from bed.willing_device import WillingDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0"]}
LATE_SECONDS = 0.5
REPORTED_SHARE = 0.5  # the kernel's worker has a quarter of it in hand at a time


class AskingDevice(WillingDevice):
    """Asks for HELLO at its first REPORT, as one without a record, and takes its time then."""

    def __init__(self) -> None:
        self.is_asked = False
        super().__init__()

    def _hello(self, flags: int, said: bytes) -> bytes:
        if self.is_asked:
            time.sleep(LATE_SECONDS)
        return super()._hello(flags, said)

    def _report(self, flags: int, said: bytes) -> bytes:
        if not self.is_asked:
            self.is_asked = True
            self._requests.append((HELLO_AGAIN, 0, 0))
            self._send_requests()
            time.sleep(LATE_SECONDS)
        return super()._report(flags, said)


# Nobody frees anything any more: the kernel does not look for free memory again by itself.
def run(assets):
    with served(assets, AskingDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        wanted = guest.free_mib() * REPORTED_SHARE * 256
        guest.load(BALLOON_MODULE)
        guest.wait_for("a report", lambda: device.is_asked)
        guest.wait_for("what is free to be reported",
                       lambda: device.reported_pages >= wanted, 60)
        guest.unload(BALLOON_MODULE)
        vm.check_kernel()
