# SPDX-License-Identifier: BSD-3-Clause
"""the statistics that the guest reports are what the guest itself sees"""

from bed.rig import expect

BALLOON_MIB = 256
SLACK_MIB = 16


# Proves DRV-STATS-7.
def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    reported = rig.daemon.execute("stats", timeout_ms=5000)["stats"]
    seen = rig.guest.memory_mib()
    for name, mib in (("mem-free", seen["free"]), ("mem-available", seen["available"]),
                      ("mem-total", seen["total"])):
        reported_mib = reported[name] / (1 << 20)
        expect(abs(reported_mib - mib) < SLACK_MIB, f"{name} of {mib:.0f} MiB: {reported_mib:.0f}")
