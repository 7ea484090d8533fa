# SPDX-License-Identifier: BSD-3-Clause
"""what whoever is out of memory finds answered, before an interrupt comes, the worker goes on from"""

import struct
import time

from bed.back_end import Queue
from bed.crooked_device import RESIZE, TODEVQ, CrookedDevice
from bed.modules import BALLOON_MODULE
from bed.rig import expect, served

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0"]}
F_EVENT_IDX = 1 << 29
BALLOON_PAGES = 40000
LESS_PAGES = 4000
GIVEN_PAGES = 16384  # of what is asked for
LACKING_MIB = 20  # less than that
PATIENCE_SECONDS = 60


class PatientQueue(Queue):
    """Interrupts for an answer only if the driver has not found it meanwhile, once it is told to."""

    def __init__(self) -> None:
        self.is_patient = self.was_found = False
        super().__init__()

    def pop(self, memory):
        """Also asks for a kick for whatever comes next."""
        mapped, offset = memory.front_end(self.rings[1])
        struct.pack_into("<H", mapped, offset + 4 + 8 * self.size, self.next)
        return super().pop(memory)

    def notify(self, memory) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.is_patient and time.monotonic() < deadline:
            if self._is_found(memory):
                self.was_found, self.is_patient = True, False
                return
            time.sleep(0.001)
        super().notify(memory)

    def _is_found(self, memory) -> bool:
        """The driver wants an interrupt for the answer after the last one: it has read that."""
        used, at = memory.front_end(self.rings[1])
        available, event = memory.front_end(self.rings[2])
        event += 4 + 2 * self.size
        return available[event:event + 2] == used[at + 2:at + 4]


class PatientDevice(CrookedDevice):
    """Gives a part of what is asked for."""

    features = CrookedDevice.features | F_EVENT_IDX

    def __init__(self) -> None:
        super().__init__()
        self.queues[TODEVQ] = PatientQueue()

    def _withdraw(self, flags: int, said: bytes) -> bytes:
        most, = struct.unpack_from("<Q", said)
        return super()._withdraw(flags, struct.pack("<Q", min(most, GIVEN_PAGES)))


def run(assets):
    with served(assets, PatientDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        guest.load(BALLOON_MODULE)
        device.ask(RESIZE, BALLOON_PAGES)
        guest.wait_for("a balloon", lambda: device.held() == BALLOON_PAGES)
        queue = device.queues[TODEVQ]
        queue.is_patient = True
        device.ask(RESIZE, LESS_PAGES)
        guest.occupy(guest.memory_mib()["available"] + LACKING_MIB)
        expect(queue.was_found, "an answer to be found without an interrupt")
        guest.wait_for(f"a balloon of {LESS_PAGES} pages", lambda: device.held() == LESS_PAGES)
        guest.release()
        guest.unload(BALLOON_MODULE)
        vm.check_kernel()
        expect(not device.witness.broken, f"every clause to be kept: {device.witness.broken}")
