# SPDX-License-Identifier: BSD-3-Clause
"""a device that lies of the pages that it swaps costs the guest no page, and the driver says why"""

from bed.crooked_device import RESIZE
from bed.failure import Skip
from bed.modules import BALLOON_MODULE
from bed.rig import expect, served
from bed.willing_device import WillingDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 192, "kernel_parameters": ["init_on_alloc=0"]}
BALLOON_SHARE = 0.8
LRU_MIB = 16  # without some memory of programs the kernel takes its time to move any
PAGES_PER_MIB = 256

# By what follows the compaction in which it is told. The device refuses to swap, but for its lies.
LIES = {
    "a verdict that there is not": lambda _, said: b"\x02" * len(said),
    "no verdict": lambda _, said: (said, 0),
    # Its record has the page that is the guest's now, and it will hand that back.
    "a swap that it does not remember": lambda _, said: b"\x01" * len(said),
}


def scattered(device, guest, pages=0):
    """A balloon of so many single pages, or most that there are, and room for the kernel to make
    in between."""
    guest.scatter(guest.spare_mib())  # before any of it is in hand to be reported
    guest.load(BALLOON_MODULE)
    pages = pages or int(guest.memory_mib()["available"] * BALLOON_SHARE) * PAGES_PER_MIB
    device.ask(RESIZE, pages)
    guest.wait_for(f"a balloon of {pages} pages", lambda: device.held() == pages)
    guest.release()
    guest.fill(LRU_MIB, 5)


def tell(device, vm, lie):
    guest = vm.guest
    total_mib = guest.memory_mib()["total"]
    scattered(device, guest)
    broken = vm.console().count("the device is broken")
    device.lies = {"exchange": lie}
    guest.ask("write /proc/sys/vm/compact_memory 1", seconds=60)
    device.ask(RESIZE, 0)
    guest.wait_for("the guest to have its memory again",
                   lambda: guest.memory_mib()["total"] == total_mib)
    expect(vm.console().count("the device is broken") == broken + 1, "the lie to be named in the log")
    pages, bad = guest.verify(5)
    expect(bad == 0, f"{pages} pages of a program to be intact: {bad} are not")
    guest.release()
    pages, bad = guest.touch(1)
    expect(bad == 0, f"{pages} pages to keep what is written: {bad} did not")
    device.lies = {}
    guest.unload(BALLOON_MODULE)


# Proves DRV-EXCHANGE-3, DRV-EXCHANGE-7.
def run(assets):
    if not assets.kernel.moves_balloon():
        raise Skip("what is in a balloon does not move on this kernel")
    with served(assets, WillingDevice(), **OWN_MACHINE) as (device, vm):
        for lie in LIES.values():
            tell(device, vm, lie)
        vm.check_kernel()
