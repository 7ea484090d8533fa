# SPDX-License-Identifier: BSD-3-Clause
"""unloading the driver gives everything back, loading it fills the balloon again"""

from bed.modules import BALLOON_MODULE
from bed.rig import expect

BALLOON_MIB = 448
KEPT_MIB_MAX = 2  # in the kernel's caches


def unload_while_filling(rig):
    """What was on its way to the host when the driver left is the guest's again at once."""
    rig.daemon.ask(BALLOON_MIB)
    rig.await_held(BALLOON_MIB // 4)
    rig.guest.unload(BALLOON_MODULE)
    rig.hold_pattern()
    rig.check_pattern()
    rig.guest.release()
    rig.daemon.ask(0)
    rig.load()
    rig.daemon.resize(0)


# Proves DRV-RESET-1, DRV-RESET-2.
def run(rig):
    rig.load()
    rig.hold_pattern()
    rig.guest.release()
    free_mib = rig.guest.free_mib()
    for _ in range(2):
        rig.daemon.resize(BALLOON_MIB)
        rig.check_accounts(BALLOON_MIB)
        rig.guest.unload(BALLOON_MODULE)
        back_mib = rig.guest.free_mib()
        expect(back_mib > free_mib - KEPT_MIB_MAX,
               f"{free_mib:.0f} MiB free again in the guest: {back_mib:.0f} are")
        rig.hold_pattern()
        rig.check_pattern()
        rig.guest.release()
        rig.load()
        rig.daemon.resize(BALLOON_MIB)
        rig.check_accounts(BALLOON_MIB)
    rig.daemon.resize(0)
    rig.check_returned()
    for _ in range(2):
        unload_while_filling(rig)
