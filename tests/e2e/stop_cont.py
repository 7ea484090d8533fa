# SPDX-License-Identifier: BSD-3-Clause
"""a full balloon survives stop and cont, and so does one that is being filled"""

import time

from bed.rig import expect

BALLOON_MIB = 448
STOPPED_SECONDS = 0.2
FILLS_SECONDS = 10


def wait_until_it_fills(rig):
    """A QEMU that stops a device 5 in the instant in which it is told of a new target dies."""
    deadline = time.monotonic() + FILLS_SECONDS
    while not rig.daemon.status()["held_bytes"]:
        expect(time.monotonic() < deadline, "the balloon to begin to fill")


def stop_and_continue(rig):
    rig.vm.qmp.execute("stop")
    held = rig.daemon.status()["held_bytes"]
    time.sleep(STOPPED_SECONDS)
    expect(rig.daemon.status()["held_bytes"] == held, "a record that keeps still with the guest")
    rig.vm.qmp.execute("cont")


# Proves DEV-STOP-9.
def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    rig.daemon.ask(BALLOON_MIB)
    wait_until_it_fills(rig)
    stop_and_continue(rig)
    expect(rig.daemon.reached(60), "the balloon to fill after a stop in between")
    rig.check_accounts(BALLOON_MIB)
    stop_and_continue(rig)
    rig.check_accounts(BALLOON_MIB)
    rig.vm.qmp.execute("stop")
    rig.daemon.ask(BALLOON_MIB // 2)  # asked for while nobody can answer
    rig.vm.qmp.execute("cont")
    expect(rig.daemon.reached(60), "the balloon to shrink to what was asked meanwhile")
    rig.check_accounts(BALLOON_MIB // 2)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.guest.release()
    rig.check_returned()
