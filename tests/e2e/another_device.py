# SPDX-License-Identifier: BSD-3-Clause
"""a device that has pages of another size after a reset gets none until the driver is bound anew"""

from bed.crooked_device import F_PAGE_RUNS, PAGE_SHIFT, RESET, RESIZE, REVISION
from bed.modules import BALLOON_MODULE
from bed.rig import HELD_PAGES, SYSFS, expect, served
from bed.willing_device import WillingDevice, struct

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 256, "kernel_parameters": ["init_on_alloc=0"]}
BALLOON_PAGES = 16 << 8
OTHER_SHIFT = 16


class ChangingDevice(WillingDevice):
    """Its pages are of the size that it says last, as another's would be when a guest resumes."""

    features = F_PAGE_RUNS

    def __init__(self) -> None:
        self.page_shift = PAGE_SHIFT
        self.unit_shifts: list[int] = []
        super().__init__()

    @property
    def config(self) -> bytes:
        return struct.pack("<II", self.page_shift, REVISION)

    def _hello(self, flags: int, said: bytes) -> bytes:
        self.unit_shifts.append(struct.unpack_from("<QI", said)[1])
        return super()._hello(flags, said)


# Proves DRV-RESET-1.
def run(assets):
    with served(assets, ChangingDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        guest.load(BALLOON_MODULE)
        device.ask(RESIZE, BALLOON_PAGES)
        guest.wait_for("a balloon", lambda: device.held() == BALLOON_PAGES)
        device.page_shift = OTHER_SHIFT
        device.ask(RESET)
        guest.wait_for("the driver to look", lambda: "cannot start again" in vm.console())
        guest.wait_for("an empty balloon", lambda: not int(guest.ask(f"read {HELD_PAGES}")))
        state = guest.ask(f"read {SYSFS}/state").strip()
        expect(state == "stopped", f"a driver that has stopped: {state}")
        expect(device.unit_shifts == [PAGE_SHIFT], f"no HELLO of it: {device.unit_shifts}")
        guest.unload(BALLOON_MODULE)
        with device.lock:
            device._target = 0
        guest.load(BALLOON_MODULE)
        guest.wait_for("the next driver", lambda: len(device.unit_shifts) > 1)
        expect(device.unit_shifts == [PAGE_SHIFT, OTHER_SHIFT],
               f"it to know of the other size: {device.unit_shifts}")
        guest.unload(BALLOON_MODULE)
        vm.check_kernel()
