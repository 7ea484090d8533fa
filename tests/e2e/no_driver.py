# SPDX-License-Identifier: BSD-3-Clause
"""`set --wait` says that the guest has no driver, instead of hanging"""

from bed.modules import BALLOON_MODULE
from bed.rig import expect

EXIT_NO_DRIVER = 5
BALLOON_MIB = 128


def run(rig):
    rig.load()
    rig.daemon.resize(0)
    rig.guest.unload(BALLOON_MODULE)
    said = rig.daemon.command_line("set", f"{BALLOON_MIB}M", "--wait", seconds=20)
    expect(said.returncode == EXIT_NO_DRIVER and said.stderr,
           f"exit code {EXIT_NO_DRIVER} and a reason: {said.returncode}, {said.stderr!r}")
    # The target is kept for the driver that comes.
    rig.load()
    expect(rig.daemon.reached(30), "the balloon to fill once there is a driver")
    rig.check_accounts(BALLOON_MIB)
