# SPDX-License-Identifier: BSD-3-Clause
"""a balloon of single pages, all over memory, does not keep the kernel from making huge ones"""

from bed.failure import Skip
from bed.rig import MOVED_PAGES, Rig, expect
from bed.vm import Machine

# It scatters what is free: nobody else wants that.
SPOILS = True
MACHINE = {"memory_mib": 512}
BALLOON_SHARE = 0.8  # of what then is available, nearly all of it single pages
# Of all free memory, in huge pages and larger, once the kernel has made room: 80 to 96 %, as it has
# scattered what is not the balloon's.
HUGE_SHARE = 0.75
# Less than the driver waits for a device that is silent: nobody is to wait for an answer that
# somebody else has found.
COMPACT_SECONDS = 25
ROUNDS = 3  # what it cannot get at one time it may at another
MOVED_MIN = 5000  # pages; there are 15,000 and more to move
# So much less of it is to be had when nothing in the balloon can be moved: mostly more.
STUCK_SHARE = 0.03


def compact(rig):
    """Scatter a balloon, free what lies between; returns the share of free memory that is huge
    once the kernel has compacted it, and how large the balloon is."""
    guest = rig.guest
    guest.scatter(guest.spare_mib())  # before any of it is in hand to be reported
    rig.load()
    balloon_mib = int(guest.memory_mib()["available"] * BALLOON_SHARE)
    rig.daemon.resize(balloon_mib)
    guest.release()
    share = 0.0
    for _ in range(ROUNDS):
        guest.ask("write /proc/sys/vm/compact_memory 1", seconds=COMPACT_SECONDS)
        share = guest.free_huge_mib() / guest.memory_mib()["free"]
        if share >= HUGE_SHARE:
            break
    print(f"    {share:.0%} of what is free is huge, {rig.read_number(MOVED_PAGES)} pages moved")
    rig.check_accounts(balloon_mib)
    return share


def fixed(assets):
    """The same without the feature by which pages are swapped."""
    with Rig(assets, Machine(**MACHINE), "--features", "page-runs") as rig:
        share = compact(rig)
        rig.daemon.resize(0)
        rig.check_kernel()
    return share


# Proves DRV-EXCHANGE-1, DRV-EXCHANGE-5.
def run(rig):
    if not rig.assets.kernel.moves_balloon():
        raise Skip("what is in a balloon does not move on this kernel")
    share = compact(rig)
    moved = rig.read_number(MOVED_PAGES)
    expect(moved >= MOVED_MIN, f"{MOVED_MIN} pages of the balloon to be moved: {moved}")
    expect(share >= HUGE_SHARE, f"{HUGE_SHARE:.0%} of free memory to be huge: {share:.0%}")
    if rig.thorough:
        stuck = fixed(rig.assets)
        expect(stuck <= share - STUCK_SHARE,
               f"a balloon that stays to be in the way: {stuck:.0%} of what is free is huge")
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_returned()
