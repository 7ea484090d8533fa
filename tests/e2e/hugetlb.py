# SPDX-License-Identifier: BSD-3-Clause
"""huge pages go back to the host's pool whole, and come back to the guest safely"""

from bed import hugepages

MIB_PER_HUGE_PAGE = 2
MACHINE = {"hugetlb": True, "memory_mib": 384}
BALLOON_MIB = 192


def around():
    return hugepages.reserved(MACHINE["memory_mib"] // MIB_PER_HUGE_PAGE)


def run(rig):
    rig.load()
    rig.check_returned()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
