# SPDX-License-Identifier: BSD-3-Clause
"""when the daemon is killed the guest lives on, its memory untouched"""

import time

SPOILS = True
BALLOON_MIB = 448


def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    rig.daemon.resize(BALLOON_MIB)
    rig.daemon.kill()
    time.sleep(1)
    rig.vm.qmp.execute("query-status")
    rig.check_pattern()
    rig.guest.memory_mib()
