# SPDX-License-Identifier: BSD-3-Clause
"""queues are packed where both sides can: so they are in all scenarios that say nothing of it"""

from bed.rig import expect


def run(rig):
    rig.load()
    rig.daemon.resize(0)
    features = rig.daemon.status()["features"]
    expect({"ring-packed", "event-idx"} <= set(features),
           f"packed queues with event indices: {', '.join(features)} were negotiated")
