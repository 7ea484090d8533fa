# SPDX-License-Identifier: BSD-3-Clause
"""the kernel's own driver gives everything back when it is unloaded, and fills anew when loaded"""

MACHINE = {"traditional": True}
DAEMON = ("--features", "-page-reporting")  # what is being reported is not to be had
BALLOON_MIB = 448


def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    rig.guest.unload(rig.driver)
    rig.hold_pattern()
    rig.check_pattern()
    rig.guest.release()
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    rig.daemon.resize(0)
    rig.check_returned()
