# SPDX-License-Identifier: BSD-3-Clause
"""a balloon in pages of 2 MiB works with a guest whose own are of 4 KiB"""

DAEMON = ("--page-size", "2M")
BALLOON_MIB = 256


def run(rig):
    rig.load()
    rig.check_returned()
    rig.hold_pattern(leave_mib=BALLOON_MIB + 64)
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
