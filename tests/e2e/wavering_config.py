# SPDX-License-Identifier: BSD-3-Clause
"""a device whose pages change their size while the driver looks is refused, whenever they do"""

from bed.crooked_device import PAGE_SHIFT, REVISION
from bed.modules import BALLOON_MODULE
from bed.rig import expect, served
from bed.willing_device import WillingDevice, struct

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 256}
SOUND = struct.pack("<II", PAGE_SHIFT, REVISION)
SENSELESS = struct.pack("<II", 60, REVISION)
LOOKS_MAX = 10
REFUSALS_MIN = 2  # the driver looks at the size twice at least


class WaveringDevice(WillingDevice):
    """Tells what is so for some time."""

    def __init__(self) -> None:
        self.looks_left = LOOKS_MAX  # the monitor's, too
        self.unit_shifts: list[int] = []
        super().__init__()

    @property
    def config(self) -> bytes:
        self.looks_left -= 1
        return SOUND if self.looks_left >= 0 else SENSELESS

    def _hello(self, flags: int, said: bytes) -> bytes:
        self.unit_shifts.append(struct.unpack_from("<QI", said)[1])
        return super()._hello(flags, said)


# Proves DRV-CONF-2.
def run(assets):
    with served(assets, WaveringDevice(), **OWN_MACHINE) as (device, vm):
        for looks in range(1, LOOKS_MAX):
            device.looks_left = looks
            vm.guest.load(BALLOON_MODULE)
            if device.looks_left >= 0:
                break
            vm.guest.unload(BALLOON_MODULE)
        vm.guest.wait_for("the driver to say HELLO at last", lambda: device.unit_shifts)
        expect(device.unit_shifts == [PAGE_SHIFT],
               f"one driver, which has seen pages of 2^{PAGE_SHIFT}: {device.unit_shifts}")
        refusals = vm.console().count("cannot give pages of 2^60 bytes")
        expect(refusals >= REFUSALS_MIN, f"{REFUSALS_MIN} refusals in the log: {refusals}")
        vm.check_kernel()
