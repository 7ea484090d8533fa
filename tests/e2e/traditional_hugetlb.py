# SPDX-License-Identifier: BSD-3-Clause
"""huge pages that the traditional balloon fills go to the pool, and one that is gone is waited for"""

import os

import hugetlb
from bed import hugepages
from bed.rig import expect

ALONE = True
MACHINE = {**hugetlb.MACHINE, "traditional": True}
DAEMON = ("--features", "-page-reporting")
WHOLE_SHARE = 0.85  # the kernel gives single pages, mostly in order

around = hugetlb.around


def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=hugetlb.BALLOON_MIB)
    free = hugepages.count("free")
    rig.daemon.resize(hugetlb.BALLOON_MIB)
    freed_mib = (hugepages.count("free") - free) * hugetlb.MIB_PER_HUGE_PAGE
    expect(freed_mib > hugetlb.BALLOON_MIB * WHOLE_SHARE,
           f"most of {hugetlb.BALLOON_MIB} MiB in the pool: {freed_mib}")
    thief = hugetlb.steal(leave_mib=freed_mib - hugetlb.STOLEN_MIB)
    try:
        rig.daemon.ask(0)
        expect(not rig.daemon.reached(2), "the guest to wait for what the host no longer has")
        expect(rig.daemon.status()["counters"]["restore_failures"] > 0, "that to be counted")
    finally:
        os.close(thief)
    expect(rig.daemon.reached(60), "the guest to have it when the host has it again")
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
