# SPDX-License-Identifier: BSD-3-Clause
"""huge pages go back to the pool whole, few are broken, those that another took stay away"""

import os

from bed import hugepages
from bed.rig import expect

ALONE = True
MACHINE = {"hugetlb": True, "memory_mib": 384, "prealloc": True}
# What the guest reports as free would go to the pool too, whenever its kernel comes to it.
DAEMON = ("--features", "-reporting")
BALLOON_MIB = 192
STOLEN_MIB = 64
MIB_PER_HUGE_PAGE = 2


def around(assets):
    guest_mib = MACHINE["memory_mib"] + assets.kernel.own_mib()
    return hugepages.reserved(guest_mib // MIB_PER_HUGE_PAGE)


def steal(leave_mib):
    """Take huge pages as another virtual machine would, all that are free but so much: the pool may
    have had some before. Closing the descriptor frees them."""
    fd = os.memfd_create("thief", os.MFD_CLOEXEC | os.MFD_HUGETLB)
    os.posix_fallocate(fd, 0, (hugepages.count("free") * MIB_PER_HUGE_PAGE - leave_mib) << 20)
    return fd


def check_breaks_few(rig):
    """A part of a huge page costs the host one, and the rest of it goes next."""
    free = hugepages.count("free")
    rig.daemon.resize(BALLOON_MIB - 1)
    expect(hugepages.count("free") == free - 1, "one huge page to be broken for 1 MiB")
    partial = rig.daemon.status()["waiting"]["partial"]
    expect(partial == 1 << 20, f"its other MiB to be held as a part of it: {partial}")
    rig.daemon.resize(BALLOON_MIB - 2)
    expect(hugepages.count("free") == free - 1, "the rest of it to come back, and no other")
    rig.daemon.resize(BALLOON_MIB)
    status = rig.daemon.status()
    expect(status["dropped_bytes"] + status["waiting"]["partial"] == status["held_bytes"],
           "each huge page to be given back when its last part has come")
    rig.daemon.resize(0)
    rig.daemon.resize(BALLOON_MIB)


def run(rig):
    rig.load()
    rig.check_returned()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    free_before = hugepages.count("free")
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    freed_mib = (hugepages.count("free") - free_before) * MIB_PER_HUGE_PAGE
    expect(freed_mib == BALLOON_MIB, f"{BALLOON_MIB} MiB back in the pool: {freed_mib}")
    check_breaks_few(rig)
    thief = steal(leave_mib=BALLOON_MIB - STOLEN_MIB)
    try:
        rig.daemon.ask(0)
        expect(not rig.daemon.reached(3), "the balloon to keep what the host no longer has")
        status = rig.daemon.status()
        expect(status["held_bytes"] >= STOLEN_MIB << 20, "at least the stolen memory to be held")
        expect(status["counters"]["restore_failures"] > 0, "the refusal to be counted")
        expect(rig.held_pages() * status["page_bytes"] == status["held_bytes"],
               "guest and device to agree on what stays")
        rig.check_pattern()
    finally:
        os.close(thief)
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
