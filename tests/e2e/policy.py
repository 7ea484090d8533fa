# SPDX-License-Identifier: BSD-3-Clause
"""floors hold whatever the reason, a pace is kept, and a late order ends as it was told to"""

import time

from bed.rig import PATTERN_SEED, expect

LARGE_MIB = 448
LACKING_MIB = 100
BALLOON_MIB = 256
FLOOR_MIB = 128
PACE_MIB = 100
MIB = 1 << 20


def reasons(rig):
    """A guest that needs memory says why, and gets it down to the floor."""
    rig.daemon.execute("policy", withdraw_pressure="floor", withdraw_oom="floor",
                       floor_bytes=BALLOON_MIB * MIB)
    rig.daemon.resize(LARGE_MIB)
    rig.guest.fill(rig.guest.memory_mib()["available"] + LACKING_MIB, PATTERN_SEED)
    rig.check_pattern()
    status = rig.daemon.status()
    asked = status["counters"]["withdraws"]
    expect(asked["pressure"] + asked["oom"] > 0, f"the guest to say why it asks: {asked}")
    expect(BALLOON_MIB * MIB <= status["held_bytes"] < LARGE_MIB * MIB,
           f"the balloon to shrink, but not below its floor: {status['held_bytes']}")
    rig.guest.release()
    rig.daemon.execute("policy", withdraw_pressure="grant", withdraw_oom="grant", floor_bytes=0)
    rig.daemon.resize(0)
    rig.check_accounts(0)


def floor(rig):
    rig.daemon.resize(BALLOON_MIB)
    rig.daemon.execute("policy", withdraw_target="floor", floor_bytes=FLOOR_MIB * MIB)
    rig.daemon.ask(0)
    expect(not rig.daemon.reached(2), "the policy to refuse")
    rig.check_accounts(FLOOR_MIB)
    status = rig.daemon.status()
    expect(status["counters"]["withdraws_refused"]["target"] > 0, "refusals to be counted")
    told = rig.daemon.command_line("why").stdout
    expect("the policy does not let the guest take it back" in told, f"why to say so: {told}")
    refused = rig.daemon.command_line("policy", "floor=100G")
    expect(refused.returncode == 1 and "above the guest's memory" in refused.stderr,
           "a floor above the guest's memory to be refused")
    rig.daemon.execute("policy", withdraw_target="grant", floor_bytes=0)
    # The guest is told at once, before it would ask again.
    expect(rig.daemon.reached(5), "the rest to be handed back when the policy grants it")


def pace(rig):
    rig.daemon.execute("policy", inflate_bytes_per_s=PACE_MIB * MIB)
    began = time.monotonic()
    rig.daemon.resize(BALLOON_MIB)
    seconds = time.monotonic() - began
    # The first tenth of a second's worth is asked for at once.
    least = BALLOON_MIB / PACE_MIB - 0.2
    expect(seconds >= least, f"{BALLOON_MIB} MiB to take at least {least:.1f} s: {seconds:.1f}")
    rig.daemon.execute("policy", inflate_bytes_per_s=0)


def deadline(rig):
    late = rig.daemon.command_line("set", "98%", "--deadline", "2s", "--revert", "--wait")
    expect(late.returncode == 4 and f"the target is {BALLOON_MIB} MiB now" in late.stderr,
           f"the target to go back to {BALLOON_MIB} MiB: {late.stderr}")
    expect(rig.daemon.reached(20), "the guest to go back with it")
    rig.check_accounts(BALLOON_MIB)
    late = rig.daemon.command_line("set", "98%", "--deadline", "2s", "--keep", "--wait")
    expect(late.returncode == 4 and "what was reached" in late.stderr, f"it to be kept: {late.stderr}")
    status = rig.daemon.status()
    expect(BALLOON_MIB * MIB < status["target_bytes"] < status["memory_bytes"] * 0.98,
           f"what was reached to be the target: {status['target_bytes']}")


def run(rig):
    rig.load()
    rig.check_returned()
    reasons(rig)
    rig.hold_pattern(leave_mib=BALLOON_MIB + 64)
    floor(rig)
    pace(rig)
    deadline(rig)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
