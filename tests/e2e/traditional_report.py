# SPDX-License-Identifier: BSD-3-Clause
"""free memory that the kernel's own driver reports goes to the host without a balloon"""

from bed.rig import Rig, expect

MACHINE = {"traditional": True}
HELD_MIB = 300


def run(rig: Rig):
    rig.load()
    rig.guest.fill(HELD_MIB, 9)
    before_mib = rig.vm.memory.allocated_mib()
    rig.guest.release()
    rig.vm.await_reports()
    gone_mib = before_mib - rig.vm.memory.allocated_mib()
    expect(gone_mib > HELD_MIB / 2, f"most of {HELD_MIB} MiB to be in whole blocks: {gone_mib:.0f}")
    rig.hold_pattern()
    rig.check_pattern()
