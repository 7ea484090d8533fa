# SPDX-License-Identifier: BSD-3-Clause
"""a guest that runs out of memory has what its device has forgotten, and nobody is killed"""

from bed.crooked_device import HELLO_AGAIN, RESIZE, START_OVER, CrookedDevice
from bed.modules import BALLOON_MODULE
from bed.rig import served

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0"]}
# The driver has 256 MiB in ADDs that are not answered, and keeps the others.
BALLOON_PAGES = 340 << 8
LACKING_MIB = 40


class ForgetfulDevice(CrookedDevice):
    """Says nothing any more once it has started over, but what size it wants."""

    def _hello(self, flags: int, said: bytes) -> bytes:
        answer = super()._hello(flags, said)
        self.mute = bool(flags & START_OVER)
        return answer


# Proves DRV-HELLO-8.
def run(assets):
    with served(assets, ForgetfulDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        guest.load(BALLOON_MODULE)
        device.ask(RESIZE, BALLOON_PAGES)
        guest.wait_for("a balloon", lambda: device.held() == BALLOON_PAGES)
        with device.lock:
            device.runs = []
        device.ask(HELLO_AGAIN)
        guest.wait_for("the device to start over", lambda: device.mute)
        guest.occupy(guest.memory_mib()["available"] + LACKING_MIB)
        guest.release()
        guest.unload(BALLOON_MODULE)
        vm.check_kernel()
