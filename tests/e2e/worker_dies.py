# SPDX-License-Identifier: BSD-3-Clause
"""a worker is killed again and again while the guest resizes, and the guest notices nothing"""

import os
import random
import re
import signal
import time
from pathlib import Path

from bed.failure import Failure
from bed.rig import expect

DAEMON = ("--supervise", "yes")
SPOILS = True
BALLOON_MIB = 448
KILLS = 30
KILLS_THOROUGH = 1000
# Long enough for a worker to be in the midst of something, and to have answered something.
LIFE_SECONDS_MAX = 0.3
RECOVERY_US_MAX = 1000000


def worker(rig):
    """The process that serves now, 0 when there is none."""
    pids = Path(f"/proc/{rig.daemon.pid}/task/{rig.daemon.pid}/children").read_text().split()
    return int(pids[0]) if pids else 0


def await_worker(rig, before):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        pid = worker(rig)
        if pid and pid != before:
            return pid
        time.sleep(0.001)
    raise Failure("waited 5 s for another worker")


def order(rig, mib):
    """A balloon of another size; a worker that died before it answered may have heard or not."""
    for _ in range(100):
        try:
            rig.daemon.connect()
            rig.daemon.ask(mib)
            return
        except (Failure, OSError):
            time.sleep(0.01)
    raise Failure("vballoond takes no orders")


def kill_often(rig, kills):
    """Returns when each of them was, in seconds since the first."""
    chance = random.Random(1)
    times, pid = [], 0
    for number in range(kills):
        pid = await_worker(rig, pid)
        if number % 3 == 0:
            order(rig, chance.randrange(0, BALLOON_MIB))
        time.sleep(chance.random() * LIFE_SECONDS_MAX)
        os.kill(pid, signal.SIGKILL)
        times.append(time.monotonic())
    await_worker(rig, pid)
    return [moment - times[0] for moment in times]


def recoveries(rig):
    """How long the guest was without a worker each time, in microseconds, as the log says."""
    return [int(us) for us in re.findall(r"going on after (\d+) us", rig.daemon.log())]


def settle(rig, mib):
    order(rig, mib)
    expect(rig.daemon.reached(60), f"a balloon of {mib} MiB: {rig.daemon.status()}")
    rig.check_accounts(mib)


def run(rig):
    kills = KILLS_THOROUGH if rig.thorough else KILLS
    rig.load()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    settle(rig, BALLOON_MIB // 2)
    epoch = rig.daemon.status()["epoch"]
    times = kill_often(rig, kills)
    settle(rig, BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    rig.check_pattern()
    expect(rig.daemon.status()["epoch"] == epoch, "the driver not to have begun anew")
    settle(rig, 0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
    seen = sorted(recoveries(rig))
    expect(len(seen) >= kills * 0.9, f"{kills} recoveries in the log: {len(seen)}")
    expect(seen[-1] < RECOVERY_US_MAX, f"at most {RECOVERY_US_MAX} us each: {seen[-1]}")
    print(f"    {kills} kills in {times[-1]:.1f} s; without a worker: median "
          f"{seen[len(seen) // 2]} us, longest {seen[-1]} us")
    if rig.thorough:
        print("    killed at: " + " ".join(f"{moment:.3f}" for moment in times))
