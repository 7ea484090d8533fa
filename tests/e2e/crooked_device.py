# SPDX-License-Identifier: BSD-3-Clause
"""a device that lies, or is silent, costs the guest no page, and the driver says why"""

import time

from bed import witness
from bed.crooked_device import (
    ASK_STATS, HELLO_AGAIN, RESET, RESIZE, CrookedDevice, entry,
)
from bed.modules import BALLOON_MODULE
from bed.rig import HELD_PAGES, expect, served

GUESTS_OF_THEIR_OWN = True
MEMORY_MIB = 512
BALLOON_PAGES = 40000
LESS_PAGES = 15000
PAGES_PER_MIB = 256

# What it says to a WITHDRAW, beside the pages that it may well hand back.
WITHDRAW_LIES = {
    "a page twice": lambda _, said: said + said[:8],
    "a page that was never given": lambda _, said: entry(256, 1) + said[8:],
    "a page outside memory": lambda _, said: entry((1 << 52) - 1, 1) + said[8:],
    "a run that leaves memory": lambda _, said: entry((1 << 52) - 1, 4096) + said[8:],
    "more than asked": lambda device, said: said + entry(device.runs[0][0], 1),
    "half an entry": lambda _, said: (said, len(said) - 4),
    "more than there is room for": lambda _, said: (said, 1 << 20),
}
ADD_LIES = {
    "a verdict that there is not": lambda _, said: b"\x02" + said[1:],
    "no verdict": lambda _, said: (said, len(said) - 1),
}
HELLO_LIES = {
    "pages that stay": lambda _, said: b"\x07" + said[1:],
    "half an answer": lambda _, said: (said, 4),
}


class Trial:
    """A guest whose balloon lies."""

    def __init__(self, device, vm):
        self.device = device
        self.guest = vm.guest
        self.total_mib = vm.guest.memory_mib()["total"]

    def resize(self, pages):
        self.device.ask(RESIZE, pages)
        self.guest.wait_for(f"a balloon of {pages} pages", lambda: self.device.held() == pages)

    def has_all(self):
        return self.guest.memory_mib()["total"] == self.total_mib

    def lacks_the_balloon(self):
        lacks_mib = self.total_mib - self.guest.memory_mib()["total"]
        held_mib = self.device.held() / PAGES_PER_MIB
        expect(lacks_mib == held_mib,
               f"the guest to lack the {held_mib} MiB of its balloon and no more: {lacks_mib}")

    def reload(self):
        self.guest.unload(BALLOON_MODULE)
        expect(self.has_all(), "all memory in the guest once the driver has gone")
        self.guest.load(BALLOON_MODULE)

    def tell(self, message, name, lie, provoke):
        """The device tells a lie, once it is provoked: the guest has all its memory again."""
        self.resize(BALLOON_PAGES)
        self.device.lies = {message: lie}
        provoke()
        self.guest.wait_for(f"the guest to have its memory after {message}: {name}", self.has_all)
        pages, bad = self.guest.touch(1)
        expect(bad == 0, f"{pages} pages to keep what is written after {name}: {bad} did not")
        held = int(self.guest.ask(f"read {HELD_PAGES}"))
        expect(held == 0, f"the driver to count no page of a balloon that is gone: {held}")
        self.device.lies = {}
        self.reload()

    def refusing(self):
        """What is refused is the guest's again, and another page takes its place."""
        refused = []

        def refuse(device, said):
            half = (len(said) + 1) // 2
            refused.extend(device.runs[-half:])
            del device.runs[-half:]
            return said[half:] + bytes(half)

        self.resize(LESS_PAGES)
        self.device.lies = {"add": refuse}
        self.device.ask(RESIZE, BALLOON_PAGES)
        self.guest.wait_for("pages to be refused", lambda: refused)
        self.device.lies = {}
        self.guest.wait_for("the balloon to be filled", lambda: self.device.held() == BALLOON_PAGES)
        self.lacks_the_balloon()

    def silence(self):
        """Nothing waits for a device that does not answer."""
        self.resize(LESS_PAGES)
        self.device.mute = True
        self.device.ask(RESIZE, BALLOON_PAGES)
        time.sleep(0.5)
        self.reload()
        self.device.mute = False
        self.reload()
        self.resize(BALLOON_PAGES)

    def forgetting(self):
        """A record that was lost is made again from the pages that the driver has."""
        self.resize(BALLOON_PAGES)
        with self.device.lock:
            self.device.runs = []
        self.device.ask(HELLO_AGAIN)
        self.guest.wait_for("the driver to add its pages again",
                            lambda: self.device.held() == BALLOON_PAGES)
        self.lacks_the_balloon()

    def stopping(self):
        """A device that has stopped is reset, and the balloon filled again."""
        self.resize(BALLOON_PAGES)
        with self.device.lock:
            self.device.runs = []
        self.device.ask(RESET)
        self.guest.wait_for("the driver to start again", lambda: self.device.held() == BALLOON_PAGES)


# Proves DRV-CONF-3, DRV-FEAT-5, DRV-RING-1, DRV-RING-2, DRV-MSG-1, DRV-MSG-2,
# DRV-MSG-3, DRV-REQ-2, DRV-REQ-10, DRV-REQ-11, DRV-HELLO-1, DRV-HELLO-2, DRV-HELLO-3,
# DRV-HELLO-4, DRV-HELLO-5, DRV-HELLO-7, DRV-HELLO-9, DRV-ADD-2, DRV-ADD-4, DRV-ADD-5, DRV-ADD-6,
# DRV-REASON-1, DRV-STATS-1, DRV-STATS-3, DRV-STATS-5, DRV-STATS-6, DRV-RUNS-3,
# DRV-BAD-1, DRV-BAD-2, DRV-BAD-3, DRV-BAD-4, DRV-BAD-5, DRV-BAD-6, DRV-BAD-7,
# DRV-BAD-8, DRV-BAD-10, DRV-BAD-11.
def run(assets):
    with served(assets, CrookedDevice(), memory_mib=MEMORY_MIB) as (device, vm):
        trial = Trial(device, vm)
        vm.guest.load(BALLOON_MODULE)
        less = lambda: device.ask(RESIZE, LESS_PAGES)  # noqa: E731
        more = lambda: device.ask(RESIZE, BALLOON_PAGES + LESS_PAGES)  # noqa: E731
        again = lambda: device.ask(HELLO_AGAIN)  # noqa: E731
        for message, lies, provoke in (("withdraw", WITHDRAW_LIES, less),
                                       ("add", ADD_LIES, more), ("hello", HELLO_LIES, again)):
            for name, lie in lies.items():
                trial.tell(message, name, lie, provoke)
        device.ask(ASK_STATS, flags=77)
        vm.guest.wait_for("statistics", lambda: witness.STATS in device.witness.heard)
        trial.refusing()
        trial.silence()
        trial.forgetting()
        trial.stopping()
        told = len(WITHDRAW_LIES) + len(ADD_LIES) + len(HELLO_LIES)
        said = vm.console().count("the device is broken")
        expect(said == told, f"{told} lies to be named in the kernel's log: {said} are")
        vm.check_kernel()
        expect(len(device.witness.heard) == 4, f"all messages, not {device.witness.heard}")
        expect(not device.witness.broken, f"every clause to be kept: {device.witness.broken}")
