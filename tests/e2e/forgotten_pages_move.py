# SPDX-License-Identifier: BSD-3-Clause
"""pages that move while a device which forgot them is given them again have one owner each"""

import exchange_lies
from bed.crooked_device import HELLO_AGAIN, RESIZE
from bed.failure import Skip
from bed.modules import BALLOON_MODULE
from bed.rig import HELD_PAGES, expect, served
from bed.willing_device import run_of, struct
from swaps_side_by_side import ChoosyDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 192, "kernel_parameters": ["init_on_alloc=0"]}
ROUNDS = 4


class ForgetfulDevice(ChoosyDevice):
    """Refuses a page of each ADD while it is slow, for which the driver waits a second; and counts the
    pages that it is given though it has them."""

    def __init__(self) -> None:
        self.is_slow = False
        self.twice = 0
        super().__init__()

    def _add(self, flags: int, said: bytes) -> bytes:
        has = {page for first, pages in self.runs for page in range(first, first + pages)}
        for entry, in struct.iter_unpack("<Q", said):
            first, pages = run_of(entry)
            self.twice += len(has.intersection(range(first, first + pages)))
        answer = super()._add(flags, said)
        if self.is_slow:
            self.runs.pop()
            answer = answer[:-1] + b"\0"
        return answer


# Proves DRV-ADD-2.
def run(assets):
    if not assets.kernel.moves_balloon():
        raise Skip("what is in a balloon does not move on this kernel")
    with served(assets, ForgetfulDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        total_mib = guest.memory_mib()["total"]
        exchange_lies.scattered(device, guest)
        pages = device.held()
        with device.lock:
            device.runs = []
        device.is_slow = True
        device.ask(HELLO_AGAIN)
        guest.wait_for("pages to be given again", device.held)
        for _ in range(ROUNDS):
            guest.ask("write /proc/sys/vm/compact_memory 1", seconds=60)
        device.is_slow = False
        guest.wait_for("a balloon as before", lambda: device.held() >= pages)
        print(f"    {device.swaps} pages swapped")
        expect(device.twice == 0, f"no page to be given twice: {device.twice} were")
        guest.wait_for("both accounts to agree",
                       lambda: int(guest.ask(f"read {HELD_PAGES}")) == device.held())
        device.ask(RESIZE, 0)
        guest.wait_for("the guest to have its memory again",
                       lambda: guest.memory_mib()["total"] == total_mib)
        found, bad = guest.verify(5)
        expect(bad == 0, f"{found} pages of a program to be intact: {bad} are not")
        guest.release()
        guest.unload(BALLOON_MODULE)
        expect("the device is broken" not in vm.console(), "the driver to find no fault")
        vm.check_kernel()
