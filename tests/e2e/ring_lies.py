# SPDX-License-Identifier: BSD-3-Clause
"""a device that lies of what it has used, or interrupts for nothing, costs the guest no page"""

import time

from bed.back_end import Queue
from bed.crooked_device import RESIZE, TODEVQ, CrookedDevice
from bed.modules import BALLOON_MODULE
from bed.rig import expect, served
from crooked_device import BALLOON_PAGES, LESS_PAGES, MEMORY_MIB, Trial

GUESTS_OF_THEIR_OWN = True
INTERRUPTS = 2000
INTERRUPT_SECONDS = 0.0002  # apart, or they would come as few
HEARD_SECONDS = 0.5


class LyingQueue(Queue):
    """`lie` is told once, when a chain is to be given back: what is given back instead, one after the
    other, each a head; and by how many the used index is too far then."""

    lie = None
    told = 0

    def push(self, memory, head, writable, answer, length):
        lie, self.lie = self.lie, None
        heads, beyond = lie(self, memory, head) if lie else ([head], 0)
        for used in heads:
            super().push(memory, used, writable, answer, length)
        if beyond:
            mapped, offset = memory.front_end(self.rings[1])
            index = int.from_bytes(mapped[offset + 2:offset + 4], "little") + beyond
            mapped[offset + 2:offset + 4] = (index & 0xffff).to_bytes(2, "little")
            self.notify(memory)
        self.told += lie is not None


LIES = {
    "a head that no queue has": lambda queue, _, head: ([queue.size], 0),
    "a head of all ones": lambda queue, _, head: ([0xffffffff], 0),
    "a head that nobody waits for": lambda queue, _, head: ([queue.size - 1], 0),
    "an answer that is given twice": lambda queue, _, head: ([head, head], 0),
    "answers that are none": lambda queue, _, head: ([head], 1000),
}


class LyingDevice(CrookedDevice):
    def __init__(self):
        super().__init__()
        self.queues[TODEVQ] = LyingQueue()  # nobody has connected yet


def storm(queue, memory, head):
    """Interrupts, and then the answer."""
    for _ in range(INTERRUPTS):
        queue.notify(memory)
        time.sleep(INTERRUPT_SECONDS)
    return [head], 0


def tell(trial, name, lie):
    """The kernel may take the queue for broken: the driver goes all the same, with all memory."""
    guest, queue = trial.guest, trial.device.queues[TODEVQ]
    trial.resize(LESS_PAGES)
    told = queue.told
    queue.lie = lie
    trial.device.ask(RESIZE, BALLOON_PAGES)
    guest.wait_for(f"the device to tell of {name}", lambda: queue.told > told)
    time.sleep(HEARD_SECONDS)
    guest.unload(BALLOON_MODULE)
    expect(trial.has_all(), f"all memory in the guest once the driver has gone, after {name}")
    pages, bad = guest.touch(1)
    expect(bad == 0, f"{pages} pages to keep what is written after {name}: {bad} did not")
    guest.load(BALLOON_MODULE)


def run(assets):
    with served(assets, LyingDevice(), memory_mib=MEMORY_MIB) as (device, vm):
        trial = Trial(device, vm)
        vm.guest.load(BALLOON_MODULE)
        trial.resize(LESS_PAGES)
        device.queues[TODEVQ].lie = storm
        trial.resize(BALLOON_PAGES)
        trial.lacks_the_balloon()
        for name, lie in LIES.items():
            tell(trial, name, lie)
        trial.resize(BALLOON_PAGES)
        trial.lacks_the_balloon()
        vm.check_kernel()
