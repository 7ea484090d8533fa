# SPDX-License-Identifier: BSD-3-Clause
"""in a storm nobody is killed while the host grants, one is when it refuses, and the guest goes on"""

from bed.rig import expect

DAEMON = ("--features", "page-runs,withdraw-reason")
SPOILS = True
ALONE = True
BALLOON_MIB = 576  # three quarters of the guest
PROCESSES = 4
LACKING_MIB = 200
# Two that cannot both have what they want: when one has gone the other has enough.
RIVALS = 2
RIVALS_SHARE = 1.2  # of what can be had: one alone leaves much of it
STORMS, STORMS_THOROUGH = 2, 20
# A small guest's. What a large one keeps for itself would be most of what a balloon leaves, and
# so much of a dead process's memory may lie in lists for each processor, where nobody looks.
RESERVE_KIB = 8192
GAP_MS_MAX = 1000
SECONDS = 180


def storm(rig, processes, mib):
    each_kib = int(mib * 1024 / processes)
    before_ms = rig.vm.kept_waiting_ms()
    seen = rig.guest.numbers(f"storm {processes} {each_kib}", seconds=SECONDS)
    host_ms = rig.vm.kept_waiting_ms() - before_ms
    print(f"    {seen}; it waited {host_ms:.0f} ms for the host")
    expect(seen["gap_ms"] - host_ms <= GAP_MS_MAX * rig.assets.kernel.patience(),
           f"the guest to go on throughout: {seen}, of which {host_ms:.0f} ms are the host's")
    expect(seen["done"] + seen["killed"] == processes, f"every process to end: {seen}")
    return seen["killed"]


def one_is_killed(rig):
    before = len(rig.vm.console())
    killed = storm(rig, RIVALS, rig.guest.free_mib() * RIVALS_SHARE)
    expect(killed == 1, f"one process to be killed when the host refuses: {killed}; the guest's "
           f"kernel said:\n{rig.vm.console()[before:]}")


def run(rig):
    rig.load()
    rig.guest.ask(f"write /proc/sys/vm/min_free_kbytes {RESERVE_KIB}")
    rig.daemon.resize(BALLOON_MIB)
    withdraws = rig.daemon.status()["counters"]["withdraws"]
    killed = storm(rig, PROCESSES, rig.guest.memory_mib()["available"] + LACKING_MIB)
    expect(killed == 0, f"nobody to be killed while the host grants: {killed}")
    asked = rig.daemon.status()["counters"]["withdraws"]
    expect(asked["pressure"] + asked["oom"] > withdraws["pressure"] + withdraws["oom"],
           f"the guest to say that it needs memory: {asked}")
    rig.vm.check_kernel(leaks=False)
    rig.daemon.execute("policy", withdraw_pressure="refuse", withdraw_oom="refuse")
    rig.daemon.resize(BALLOON_MIB, seconds=60)
    storms = STORMS_THOROUGH if rig.thorough else STORMS
    for _ in range(storms):
        one_is_killed(rig)
    rig.vm.check_kernel(killed=storms, leaks=False)
    rig.check_accounts(BALLOON_MIB)
    rig.daemon.execute("policy", withdraw_pressure="grant", withdraw_oom="grant")
    rig.daemon.resize(0)
    rig.check_returned()
