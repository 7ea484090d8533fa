# SPDX-License-Identifier: BSD-3-Clause
"""a balloon in pages of 2 MiB works with a guest whose own are of 4 KiB"""

from bed.rig import SYSFS, expect

DAEMON = ("--page-size", "2M")
SPOILS = True
BALLOON_MIB = 256
FREED_MIB = 100
REPORTED = f"{SYSFS}/account/reported_pages"
# What the kernel may be told at any time.
LEAST_ORDER = "/sys/module/page_reporting/parameters/page_reporting_order"


def restarted(rig):
    return rig.read_number(f"{SYSFS}/account/restarts") > 0


def check_small_blocks(rig):
    """Free blocks smaller than a page of the balloon are not for the host, larger ones are."""
    before = rig.read_number(REPORTED)
    rig.guest.ask(f"write {LEAST_ORDER} 0")
    rig.guest.fill(FREED_MIB, 1)
    rig.guest.release()
    rig.guest.wait_for("what is large enough to be reported",
                       lambda: restarted(rig) or rig.read_number(REPORTED) > before)
    expect(not restarted(rig), "a device that is told nothing wrong, not one that is reset")


def run(rig):
    rig.load()
    rig.check_returned()
    rig.hold_pattern(leave_mib=BALLOON_MIB + 64)
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
    check_small_blocks(rig)
