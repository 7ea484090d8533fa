# SPDX-License-Identifier: BSD-3-Clause
"""what is free is reported later, or not while memory is short, as the module is told"""

import time

from bed.modules import BALLOON_MODULE
from bed.rig import SYSFS, expect

PARAMETERS = f"/sys/module/{BALLOON_MODULE}/parameters"
DELAY_MS = 3000  # more than the kernel itself waits
LONG_MS, SHORT_MS = 600000, 1000
FREED_MIB = 200
LACKING_MIB = 100
REPORTED_SHARE = 0.5  # what lies in pieces is not; without hugetlb a piece is less than 4 MiB
SECONDS = 60


def tell(rig, parameter, value):
    rig.guest.ask(f"write {PARAMETERS}/{parameter} {value}")


def reported_mib(rig):
    return rig.read_number(f"{SYSFS}/account/reported_pages") / 256


def has_reported(rig, before_mib):
    """Most of what was free then: it may come in several parts."""
    return reported_mib(rig) - before_mib >= FREED_MIB * REPORTED_SHARE


def report_round(rig):
    """The host asks for all that is free. Returns what the guest has reported."""
    rig.daemon.execute("reclaim-free")
    told = rig.daemon.execute("reclaim-wait", SECONDS + 10, timeout_ms=SECONDS * 1000)
    expect(told["done"], f"the round to end: {told}")
    return told["reported_bytes"]


def release(rig):
    """Returns what has been reported before."""
    before_mib = reported_mib(rig)
    rig.guest.release()
    return before_mib


def lack(rig):
    """Have the guest take more than there is beside its balloon, and free it again."""
    rig.daemon.resize(FREED_MIB)
    rig.guest.fill(rig.guest.memory_mib()["available"] + LACKING_MIB, 1)
    rig.daemon.resize(0)
    return release(rig)


def check_delay(rig):
    rig.guest.fill(FREED_MIB, 1)
    rig.guest.release()  # what is free again has not been reported yet
    began = time.monotonic()
    rig.guest.load(BALLOON_MODULE, f"report_delay_ms={DELAY_MS}")
    rig.guest.wait_for("what is free to be reported", lambda: has_reported(rig, 0))
    took = time.monotonic() - began
    print(f"    {reported_mib(rig):.0f} MiB reported after {took:.1f} s")
    expect(took >= DELAY_MS / 1000, f"nothing to be reported for {DELAY_MS} ms: {took:.1f} s")
    tell(rig, "report_delay_ms", LONG_MS)
    rig.guest.fill(FREED_MIB, 1)
    before_mib = release(rig)
    report_round(rig)
    told = f"{reported_mib(rig) - before_mib:.0f} of {FREED_MIB} MiB reported when asked for"
    print(f"    {told}")
    expect(has_reported(rig, before_mib), f"a host that asks not to wait: {told}")


def check_pause(rig):
    tell(rig, "report_delay_ms", 0)
    tell(rig, "report_pause_ms", LONG_MS)
    before_mib = lack(rig)
    reported = report_round(rig)
    expect(reported == 0, f"nothing to be reported after memory was short: {reported} bytes")
    tell(rig, "report_pause_ms", SHORT_MS)
    rig.guest.wait_for("reports when the pause is over",
                       lambda: report_round(rig) >= 0 and has_reported(rig, before_mib))


def check_resumes(rig):
    """Nobody frees anything any more, and yet it is reported."""
    tell(rig, "report_pause_ms", DELAY_MS)
    before_mib = lack(rig)
    rig.guest.wait_for("what was free in the pause to be reported",
                       lambda: has_reported(rig, before_mib))


# Proves DRV-REPORT-6.
def run(rig):
    rig.load()
    rig.guest.unload(BALLOON_MODULE)
    check_delay(rig)
    check_pause(rig)
    check_resumes(rig)
    rig.guest.unload(BALLOON_MODULE)
