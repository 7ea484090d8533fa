# SPDX-License-Identifier: BSD-3-Clause
"""a traditional balloon survives stop and cont, full and while it is being filled"""

import stop_cont
from bed.rig import expect

MACHINE = {"traditional": True}
DAEMON = ("--features", "-page-reporting")  # what is being reported is not to be had


def run(rig):
    resets = rig.daemon.status()["counters"]["resets_seen"]
    stop_cont.run(rig)
    again = rig.daemon.status()["counters"]["resets_seen"]
    expect(again == resets, f"no stop to be taken for a reset: {again - resets} were")
