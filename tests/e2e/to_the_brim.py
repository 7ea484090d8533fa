# SPDX-License-Identifier: BSD-3-Clause
"""a balloon filled until nothing more is to be had, and emptied, leaves free memory as it was"""

import time

from bed.rig import SYSFS, expect

DAEMON = ("--features", "-reporting")  # what is being reported does not count as free
ROUNDS, ROUNDS_THOROUGH = 3, 100
# The driver tries again once a second: what has not grown for longer is full.
FULL_SECONDS = 1.5
FULL_SHARE = 0.8  # of what was free
KEPT_MIB_MAX = 16  # in the kernel's caches
HUGE_SHARE = 0.95  # of the free memory that was in blocks of a huge page and larger


def fill(rig):
    """Ask for all that there is, and wait until the balloon no longer grows."""
    rig.daemon.ask(rig.vm.machine.memory_mib)
    held, since = -1, time.monotonic()
    while time.monotonic() < since + FULL_SECONDS:
        now = rig.daemon.status()["held_bytes"]
        if now != held:
            held, since = now, time.monotonic()
        time.sleep(0.05)
    return held / (1 << 20)


def empty(rig):
    """Take the balloon back, and wait until the guest has freed the last of what came back."""
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.guest.wait_for("the guest to free all blocks", lambda: all(
        line.endswith(" 0") for line in rig.guest.ask(f"read {SYSFS}/blocks").split(";")))


# Proves DRV-ADD-8, DRV-REQ-9.
def run(rig):
    rig.load()
    guest = rig.guest
    fill(rig)  # what the kernel can do without has gone once
    empty(rig)
    free_mib, huge_mib = guest.free_mib(), guest.free_huge_mib()
    for _ in range(ROUNDS_THOROUGH if rig.thorough else ROUNDS):
        held_mib = fill(rig)
        expect(held_mib > free_mib * FULL_SHARE, f"most of {free_mib:.0f} MiB: {held_mib:.0f}")
        empty(rig)
    now_mib, now_huge_mib = guest.free_mib(), guest.free_huge_mib()
    print(f"    {free_mib:.0f} MiB were free, {now_mib:.0f} are; {huge_mib:.0f} MiB of them in huge "
          f"blocks, {now_huge_mib:.0f} are")
    expect(now_mib > free_mib - KEPT_MIB_MAX, f"{free_mib:.0f} MiB free again: {now_mib:.0f} are")
    expect(now_huge_mib >= huge_mib * HUGE_SHARE,
           f"{huge_mib:.0f} MiB free in huge blocks again: {now_huge_mib:.0f} are")
    rig.check_returned()
