# SPDX-License-Identifier: BSD-3-Clause
"""a device that needs a reset, at any moment, gets it, and the balloon is as large as before"""

from bed.modules import NEEDS_RESET_MODULE
from bed.rig import SYSFS

BALLOON_MIB = 448
NOW = f"/sys/module/{NEEDS_RESET_MODULE}/parameters/now"
RESTARTS = f"{SYSFS}/account/restarts"


def need(rig, when):
    """It needs a reset now, and gets one."""
    restarts = rig.read_number(RESTARTS)
    rig.guest.ask(f"write {NOW} 1")
    rig.guest.wait_for(f"a reset {when}", lambda: rig.read_number(RESTARTS) != restarts)


def run(rig):
    rig.load()
    rig.guest.load(NEEDS_RESET_MODULE)
    need(rig, "while nothing happens")
    rig.daemon.ask(BALLOON_MIB)
    rig.await_held(BALLOON_MIB // 4)
    need(rig, "while the balloon is being filled")
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    need(rig, "when it is full")
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.daemon.ask(0)
    need(rig, "while it is being emptied")
    rig.daemon.resize(0)
    rig.check_accounts(0)
    # Twice at once: the second time the driver is already at it.
    rig.guest.ask(f"write {NOW} 1")
    need(rig, "once more")
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.guest.unload(NEEDS_RESET_MODULE)
    rig.daemon.resize(0)
    rig.check_returned()
