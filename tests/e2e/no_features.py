# SPDX-License-Identifier: BSD-3-Clause
"""without any feature the host gets the memory of a full balloon, and the guest gets it back"""

from bed.rig import expect

from main_job import run as do_main_job

DAEMON = ("--features", "none")


# Proves DEV-FEAT-4, DRV-FEAT-3.
def run(rig):
    do_main_job(rig)
    negotiated = rig.daemon.status()["features"]
    expect(negotiated == ["version-1"], f"no feature to be negotiated: {negotiated}")
