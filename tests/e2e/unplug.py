# SPDX-License-Identifier: BSD-3-Clause
"""a balloon that is pulled out while it grows leaves all memory to the guest, and fills when it is back"""

from bed.rig import PATTERN_SEED, expect

MACHINE = {"unpluggable": True}
SPOILS = True
BALLOON_MIB = 384
LARGER_MIB = 512
PATTERN_MIB = 100
TIMES_THOROUGH = 5
KEPT_MIB_MAX = 16  # what the kernel keeps for a device that it has seen


# Proves DRV-RESET-1, DRV-RESET-2.
def run(rig):
    guest = rig.guest
    rig.load()
    rig.daemon.resize(0)
    total_mib = guest.memory_mib()["total"]
    guest.fill(PATTERN_MIB, PATTERN_SEED)
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.daemon.ask(LARGER_MIB)
    rig.vm.unplug_balloon()
    has_mib = guest.memory_mib()["total"]
    expect(has_mib > total_mib - KEPT_MIB_MAX, f"{total_mib:.0f} MiB in the guest: {has_mib:.0f}")
    rig.check_pattern()
    for _ in range(TIMES_THOROUGH if rig.thorough else 1):
        rig.vm.plug_balloon()
        # The monitor begins anew on the connection that it has.
        rig.daemon.resize(LARGER_MIB)
        rig.check_accounts(LARGER_MIB)
        rig.check_host_has(LARGER_MIB)
        rig.check_pattern()
        rig.vm.unplug_balloon()
    rig.check_pattern()
    guest.release()
    rig.check_returned()
