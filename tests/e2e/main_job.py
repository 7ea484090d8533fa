# SPDX-License-Identifier: BSD-3-Clause
"""the host gets the memory of a full balloon, and the guest gets it back"""

DAEMON = ("--features", "-reporting")  # what is being reported the host has already
BALLOON_MIB = 512


# Proves DRV-REQ-6, DRV-REQ-7, DRV-REQ-8, DRV-WITHDRAW-1.
def run(rig):
    rig.load()
    rig.check_returned()  # the host holds all of it from here on
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
