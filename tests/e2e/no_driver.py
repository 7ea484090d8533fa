# SPDX-License-Identifier: BSD-3-Clause
"""`set --wait` says that the guest has no driver, or no longer one, instead of hanging"""

from bed.modules import BALLOON_MODULE
from bed.rig import expect

MACHINE = {"memory_mib": 512}  # a guest of its own: the driver must never have been there
EXIT_NO_DRIVER = 5
BALLOON_MIB = 128


def check_set_fails(rig, *options):
    said = rig.daemon.command_line("set", f"{BALLOON_MIB}M", "--wait", *options, seconds=20)
    expect(said.returncode == EXIT_NO_DRIVER and said.stderr,
           f"exit code {EXIT_NO_DRIVER} and a reason: {said.returncode}, {said.stderr!r}")


def run(rig):
    check_set_fails(rig)
    # The target is kept for the driver that comes.
    rig.load()
    expect(rig.daemon.reached(30), "the balloon to fill once there is a driver")
    rig.check_accounts(BALLOON_MIB)
    # A driver that has gone looks like a guest that is paused: that takes the whole time.
    rig.guest.unload(BALLOON_MODULE)
    check_set_fails(rig, "--timeout", "3")
