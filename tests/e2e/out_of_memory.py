# SPDX-License-Identifier: BSD-3-Clause
"""a guest that runs out of memory gets some of it back from the balloon before anybody is killed"""

from bed.rig import PATTERN_SEED, expect

BALLOON_MIB = 448
LACKING_MIB = 100


# Proves DRV-WITHDRAW-3, DRV-WITHDRAW-6.
def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    wanted_mib = rig.guest.memory_mib()["available"] + LACKING_MIB
    rig.guest.fill(wanted_mib, PATTERN_SEED)
    rig.check_pattern()
    held_mib = rig.daemon.status()["held_bytes"] >> 20
    expect(held_mib < BALLOON_MIB, f"less than {BALLOON_MIB} MiB in the balloon: {held_mib}")
    rig.guest.release()
    # To ask again ends the ten seconds for which the driver would spare the guest.
    rig.daemon.resize(BALLOON_MIB, seconds=9)
    rig.check_accounts(BALLOON_MIB)
    rig.daemon.resize(0)
    rig.check_returned()
