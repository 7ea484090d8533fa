# SPDX-License-Identifier: BSD-3-Clause
"""a guest that needs more than the balloon left gets it back before anybody is killed"""

from bed.guest import PAGES_PER_MIB
from bed.rig import PATTERN_SEED, expect

BALLOON_MIB = 448
BEYOND_MIB = 128


def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    wanted_mib = int(rig.guest.memory_mib()["free"]) + BEYOND_MIB
    pages = rig.guest.fill(wanted_mib, PATTERN_SEED)
    expect(pages == wanted_mib * PAGES_PER_MIB, "all that was wanted")
    rig.check_pattern()
    held = rig.daemon.status()["held_bytes"]
    expect(held <= (BALLOON_MIB - BEYOND_MIB) << 20, f"a smaller balloon: {held >> 20} MiB")
    rig.guest.release()
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_returned()
