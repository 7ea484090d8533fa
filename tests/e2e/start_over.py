# SPDX-License-Identifier: BSD-3-Clause
"""`vballoonctl reset` empties the record, and the driver fills the balloon again"""

from bed.rig import expect

BALLOON_MIB = 448


# Proves DRV-REQ-11, DRV-HELLO-2.
def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    rig.daemon.resize(BALLOON_MIB)
    epoch = rig.daemon.status()["epoch"]
    said = rig.daemon.command_line("reset")
    expect(said.returncode == 0, f"reset to work: {said.stderr!r}")
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    expect(rig.daemon.status()["epoch"] != epoch, "the driver to have started anew")
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.guest.release()
    rig.check_returned()
