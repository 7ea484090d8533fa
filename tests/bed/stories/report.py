# SPDX-License-Identifier: BSD-3-Clause
"""Free memory that goes to the host at once, without a balloon: one round of reports."""

from ..failure import Skip
from ..rig import PATTERN_SEED, Rig, expect
from ..say import say
from ..vm import Machine
from . import account, show_host, step

GUEST_MIB = 1024
USED_MIB = 256
# What lies in small pieces is not reported.
REPORTED_SHARE = 0.8
MIB = 1 << 20


def _negotiated(rig: Rig) -> None:
    if "reporting" not in rig.daemon.status()["features"]:
        raise Skip("this guest does not report free memory")


def _reclaim(rig: Rig) -> float:
    """One round. Returns the MiB that the host has of it, by vballoond's account."""
    told = rig.daemon.command_line_json("reclaim-free", "--wait")
    say(f"  The guest reported {told['reported_bytes'] / MIB:.0f} MiB free, the host has "
        f"{told['discarded_bytes'] / MIB:.0f} MiB of that back.")
    return told["discarded_bytes"] / MIB


def tell(assets) -> None:
    with Rig(assets, Machine(memory_mib=GUEST_MIB, prealloc=True)) as rig:
        rig.load()
        _negotiated(rig)
        rig.guest.fill(USED_MIB, PATTERN_SEED)
        rig.check_returned()
        step(f"A guest of {GUEST_MIB} MiB has used all of its memory, and has freed all but "
             f"{USED_MIB} MiB.")
        before_mib = show_host(rig)
        free_mib = rig.guest.memory_mib()["free"]
        say(f"  {free_mib:.0f} MiB are free in the guest.")
        step("$ vballoonctl reclaim-free --wait")
        told_mib = _reclaim(rig)
        came_mib = before_mib - show_host(rig)
        expect(came_mib >= REPORTED_SHARE * free_mib, f"most of {free_mib:.0f} MiB: {came_mib:.0f}")
        expect(came_mib >= 0.99 * told_mib, f"the {told_mib:.0f} MiB that were told of: {came_mib:.0f}")
        account(rig)
        expect(rig.daemon.status()["held_bytes"] == 0, "a balloon that is empty")
        rig.check_pattern()
        step("The guest takes it all again, and asks nobody.")
        rig.check_returned()
        rig.check_pattern()
        expect(show_host(rig) > before_mib - came_mib, "the host to have found memory for it")
        rig.check_kernel()
