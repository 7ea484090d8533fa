# SPDX-License-Identifier: BSD-3-Clause
"""free memory that the kernel's own driver reports goes to the host without a balloon"""

import time

from bed.rig import Rig, expect

MACHINE = {"traditional": True}
HELD_MIB = 300
REPORT_SECONDS = 30  # the kernel waits for two before each part of it


def run(rig: Rig):
    rig.load()
    rig.guest.fill(HELD_MIB, 9)
    before_mib = rig.vm.memory.allocated_mib()
    rig.guest.release()
    deadline = time.monotonic() + REPORT_SECONDS
    while rig.vm.memory.allocated_mib() > before_mib - HELD_MIB * 0.9:
        expect(time.monotonic() < deadline, f"{HELD_MIB} MiB that are free to be reported")
        time.sleep(0.05)
    rig.hold_pattern()
    rig.check_pattern()
