# SPDX-License-Identifier: BSD-3-Clause
"""free memory that the kernel's own driver reports goes to the host without a balloon"""

import time

from bed.rig import Rig, expect

MACHINE = {"traditional": True}
HELD_MIB = 300
REPORTED_SHARE = 0.6  # what lies beside what is in use is in pieces too small to be reported
REPORT_SECONDS = 60  # the kernel waits for two before each part of it


def run(rig: Rig):
    rig.load()
    rig.guest.fill(HELD_MIB, 9)
    before_mib = rig.vm.memory.allocated_mib()
    rig.guest.release()
    deadline = time.monotonic() + REPORT_SECONDS
    while (gone_mib := before_mib - rig.vm.memory.allocated_mib()) < HELD_MIB * REPORTED_SHARE:
        expect(time.monotonic() < deadline,
               f"{REPORTED_SHARE:.0%} of {HELD_MIB} MiB that are free to go: {gone_mib:.0f} MiB")
        time.sleep(0.05)
    rig.hold_pattern()
    rig.check_pattern()
