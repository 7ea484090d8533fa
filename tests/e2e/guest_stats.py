# SPDX-License-Identifier: BSD-3-Clause
"""the statistics that the guest reports are what the guest itself sees"""

from bed.rig import expect

BALLOON_MIB = 256
SLACK_MIB = 16
PRESSURE = "/sys/bus/virtio/drivers/virtio_memory_balloon/virtio*/memory_pressure"


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
    rig.guest.ask(f"write {PRESSURE} some avg10=0.00 total=7000;full avg10=0.00 total=5000")
    reported = rig.daemon.execute("stats", timeout_ms=5000)["stats"]
    told = [reported.get(name) for name in ("psi-some-us", "psi-full-us")]
    expect(told == [7000, 5000], f"what was written of pressure, not {told}")
