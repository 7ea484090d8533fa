# SPDX-License-Identifier: BSD-3-Clause
"""the kernel's own driver fills and empties the traditional balloon, and reports statistics"""

import main_job
from bed.rig import expect

MACHINE = {"traditional": True}
DAEMON = ("--features", "-page-reporting")  # what is being reported is not to be had
SLACK_MIB = 16


def run(rig):
    main_job.run(rig)
    reported = rig.daemon.execute("stats", timeout_ms=5000)["stats"]
    seen = rig.guest.memory_mib()
    for name, mib in (("mem-free", seen["free"]), ("mem-total", seen["total"])):
        reported_mib = reported[name] / (1 << 20)
        expect(abs(reported_mib - mib) < SLACK_MIB, f"{name} of {mib:.0f} MiB: {reported_mib:.0f}")
    refused = rig.daemon.status()["counters"]["refused_entries"]
    expect(not any(refused.values()), f"nothing to be refused: {refused}")
