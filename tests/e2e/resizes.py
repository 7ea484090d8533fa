# SPDX-License-Identifier: BSD-3-Clause
"""accounts agree after every one of many sizes, also when the next comes before the last is met"""

SIZES_MIB = (64, 480, 96, 97, 512, 1, 300, 0)


def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=max(SIZES_MIB))
    for size_mib in SIZES_MIB:
        rig.daemon.ask(max(SIZES_MIB) - size_mib)
        rig.daemon.resize(size_mib)
        rig.check_accounts(size_mib)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
