# SPDX-License-Identifier: BSD-3-Clause
"""pages of a balloon that many move at once, and of which some are refused, have one owner each"""

import exchange_lies
from bed.crooked_device import RESIZE
from bed.failure import Skip
from bed.modules import BALLOON_MODULE
from bed.rig import HELD_PAGES, expect, served
from bed.willing_device import GIVE_NOTHING, WillingDevice, run_of, struct

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 192, "cpus": 4, "kernel_parameters": ["init_on_alloc=0"]}
BALLOON_PAGES = 24 << 8
MOVERS, TIMES = 4, 6
REFUSED = 3  # one of so many
SWAPS_MIN = 100
CROWDS_MAX = 4  # how much the kernel moves is its own affair


class ChoosyDevice(WillingDevice):
    """Swaps pages, but refuses to now and then."""

    def __init__(self) -> None:
        self.swaps = self.refused = 0
        super().__init__()

    def _exchange(self, flags: int, said: bytes) -> bytes:
        give, take = struct.unpack_from("<QQ", said)
        if give == GIVE_NOTHING:
            return super()._exchange(flags, said)
        if (self.swaps + self.refused) % REFUSED == 0 or not self._take(*run_of(take)):
            self.refused += 1
            return b"\0"
        self.runs.append(run_of(give))
        self.swaps += 1
        return b"\1"


def crowd(device, guest):
    """A balloon of single pages, which several make room in at once; then all of it comes back."""
    exchange_lies.scattered(device, guest, BALLOON_PAGES)
    guest.ask(f"crowd {MOVERS} {TIMES} /proc/sys/vm/compact_memory 1", seconds=120)
    expect(int(guest.ask(f"read {HELD_PAGES}")) == device.held(), "both accounts to agree")
    # The driver takes back only what it knows to be in the balloon, page by page.
    device.ask(RESIZE, 0)
    guest.wait_for("an empty balloon", lambda: int(guest.ask(f"read {HELD_PAGES}")) == 0)
    pages, bad = guest.verify(5)
    expect(bad == 0, f"{pages} pages of a program to be intact: {bad} are not")
    guest.release()
    pages, bad = guest.touch(1)
    expect(bad == 0, f"{pages} pages to keep what is written: {bad} did not")
    guest.unload(BALLOON_MODULE)


# Proves DRV-EXCHANGE-2, DRV-EXCHANGE-3.
def run(assets):
    if not assets.kernel.moves_balloon():
        raise Skip("what is in a balloon does not move on this kernel")
    with served(assets, ChoosyDevice(), **OWN_MACHINE) as (device, vm):
        total_mib = vm.guest.memory_mib()["total"]
        for _ in range(CROWDS_MAX):
            crowd(device, vm.guest)
            if device.swaps >= SWAPS_MIN:
                break
        now_mib = vm.guest.memory_mib()["total"]
        expect(now_mib == total_mib, f"{total_mib} MiB in the guest again: {now_mib}")
        print(f"    {device.swaps} pages swapped, {device.refused} refused")
        expect(device.swaps >= SWAPS_MIN, f"{SWAPS_MIN} pages to be swapped: {device.swaps}")
        expect("the device is broken" not in vm.console(), "the driver to find no fault")
        vm.check_kernel()
