# SPDX-License-Identifier: BSD-3-Clause
"""with a memory balloon and a traditional one the target goes to the driver that there is"""

from bed.modules import BALLOON_MODULE, PEER_MODULE
from bed.rig import expect

MACHINE = {"both": True}
# What is being reported is not to be had.
DAEMON = ("--features", "-reporting", "--traditional-features", "-page-reporting")
BALLOON_MIB = 448
MOVE_SECONDS = 60


def check(rig, device_id):
    """One balloon of the size that was asked for, in that device, and no page in two."""
    expect(rig.daemon.reached(MOVE_SECONDS), f"the balloon in device {device_id} alone")
    status = rig.daemon.status()
    expect(status["device_id"] == device_id, f"device {device_id}: it is {status['device_id']}")
    expect(status["held_bytes"] == BALLOON_MIB << 20 and not status["other"]["held_bytes"],
           f"{BALLOON_MIB} MiB here, nothing there: {status['held_bytes']}, {status['other']}")
    refused = status["counters"]["refused_entries"]
    expect(not any(refused.values()), f"nothing to be refused: {refused}")
    rig.check_host_has(BALLOON_MIB)


def run(rig):
    rig.guest.load(PEER_MODULE)
    rig.daemon.ask(BALLOON_MIB)
    check(rig, 5)
    rig.load()
    check(rig, 13)
    rig.hold_pattern()
    rig.guest.unload(BALLOON_MODULE)
    check(rig, 5)
    rig.check_pattern()
    rig.load()
    rig.guest.unload(PEER_MODULE)  # what has not gone over by now goes at once
    check(rig, 13)
    rig.check_pattern()
    rig.guest.release()
    rig.daemon.resize(0)
    rig.check_returned()
