# SPDX-License-Identifier: BSD-3-Clause
"""a driver says nothing while its HELLO is not answered, and forgets nothing that it was asked"""

import struct
import time

from bed.crooked_device import ASK_STATS, HELLO_AGAIN, RESIZE, TODEVQ
from bed.modules import BALLOON_MODULE
from bed.rig import PATTERN_SEED, expect, served
from bed.willing_device import ASK_REPORT, WillingDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 512, "kernel_parameters": ["init_on_alloc=0"]}
BALLOON_PAGES = 16 << 8
PERIOD_MS, SAME_PERIOD = 250, 0xffffffff
FREED_MIB = 100
SLOW_SECONDS = 1.0
COOKIE, ROUND = 5, 7


class SlowDevice(WillingDevice):
    """Takes its time for HELLO once it is told to, and looks what else has come meanwhile."""

    def __init__(self) -> None:
        self.is_slow = self.was_interrupted = False
        self.cookies: set[int] = set()
        super().__init__()

    def _hello(self, flags: int, said: bytes) -> bytes:
        if self.is_slow:
            time.sleep(SLOW_SECONDS)
            queue = self.queues[TODEVQ]
            available, at = self.memory.front_end(queue.rings[2])
            self.was_interrupted |= struct.unpack_from("<H", available, at + 2)[0] != queue.next
        return super()._hello(flags, said)

    def _stats(self, flags: int, said: bytes) -> bytes:
        self.cookies.add(flags)
        return super()._stats(flags, said)


# Proves DRV-HELLO-6, DRV-STATS-1, DRV-REPORT-6.
def run(assets):
    with served(assets, SlowDevice(), **OWN_MACHINE) as (device, vm):
        guest = vm.guest
        guest.load(BALLOON_MODULE)
        device.ask(RESIZE, BALLOON_PAGES)
        guest.wait_for("a balloon", lambda: device.held() == BALLOON_PAGES)
        device.ask(ASK_STATS, value=PERIOD_MS, flags=1)
        guest.wait_for("pushed statistics", lambda: device.pushed)
        guest.fill(FREED_MIB, PATTERN_SEED)
        reported = device.reported_pages
        guest.release()
        with device.lock:  # all of it at once
            device.is_slow = True
            device._requests += [(HELLO_AGAIN, 0, 0), (ASK_STATS, COOKIE, SAME_PERIOD),
                                 (ASK_REPORT, 0, ROUND)]
            device._send_requests()
        guest.wait_for("the statistics", lambda: COOKIE in device.cookies)
        guest.wait_for("the round", lambda: ROUND in device.rounds)
        expect(not device.was_interrupted, "no message while HELLO is not answered")
        expect(device.reported_pages > reported, "what is free to be reported in the round")
        device.is_slow = False
        guest.unload(BALLOON_MODULE)
        vm.check_kernel()
