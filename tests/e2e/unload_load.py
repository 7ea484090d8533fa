# SPDX-License-Identifier: BSD-3-Clause
"""unloading the driver gives everything back, loading it fills the balloon again"""

from bed.modules import BALLOON_MODULE
from bed.rig import expect

BALLOON_MIB = 448


def run(rig):
    rig.load()
    free_mib = rig.guest.memory_mib()["free"]
    for _ in range(3):
        rig.daemon.resize(BALLOON_MIB)
        rig.check_accounts(BALLOON_MIB)
        rig.guest.unload(BALLOON_MODULE)
        back_mib = rig.guest.memory_mib()["free"]
        expect(back_mib > free_mib - BALLOON_MIB * 0.02,
               f"{free_mib:.0f} MiB free again in the guest: {back_mib:.0f} are")
        rig.hold_pattern()
        rig.check_pattern()
        rig.guest.release()
        rig.load()
        rig.daemon.resize(BALLOON_MIB)
        rig.check_accounts(BALLOON_MIB)
    rig.daemon.resize(0)
    rig.check_returned()
