# SPDX-License-Identifier: BSD-3-Clause
"""a worker is killed again and again while the guest resizes, and the guest notices nothing"""

import itertools
import os
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bed.failure import Failure
from bed.meanwhile import meanwhile
from bed.rig import expect
from bed.tracer import Tracer

DAEMON = ("--supervise", "yes")
SPOILS = True
BALLOON_MIB = 448
KILLS = 24
KILLS_THOROUGH = 1000
# After so many at random instants the accounts and the pattern are looked at.
KILLS_UNSEEN = 50
# What a program of the guest's takes and lets go meanwhile, and what the kernel needs for that.
TOUCHED_MIB, SPARE_MIB = 48, 32
PAGES_PER_GIB = 1 << 18
# Long enough for a worker to be in the midst of something, and to have answered something.
LIFE_SECONDS_MAX = 0.3
RECOVERY_US_MAX = 1000000
# A worker stops before and after each system call. It is killed at these stops, counted from a
# message on; with --full at each of them, to the last one.
POINTS = (2, 7, 12)
# An order makes the guest's driver say so much that there is no last one.
ORDER_POINTS = (10, 40, 80)
ORDER_POINTS_MAX = 150
# A worker that lived for so long is followed at once.
WORTH_SECONDS = 0.06
# After so long a worker has nothing more to do.
IDLE_SECONDS = 0.4
ANSWER_SECONDS = 30


class Kills:
    """When each was, in seconds since the first, and whom it was; and what happened in between."""

    def __init__(self):
        self.times = []
        self.pid = 0
        self.looks = 0
        self.touched_pages = 0

    def tell(self, pid):
        self.pid = pid
        self.times.append(time.monotonic())

    def seconds(self):
        return [moment - self.times[0] for moment in self.times]


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


def kill_some(rig, kills, chance, count):
    """At any instant."""
    for number in range(count):
        pid = await_worker(rig, kills.pid)
        if number % 3 == 0:
            order(rig, chance.randrange(0, BALLOON_MIB))
        time.sleep(chance.random() * LIFE_SECONDS_MAX)
        os.kill(pid, signal.SIGKILL)
        kills.tell(pid)
    await_worker(rig, kills.pid)


def kill_often(rig, kills, count):
    """While a program of the guest's writes to memory and reads it, which goes from it to the balloon and
    back."""
    chance = random.Random(1)
    for killed in range(0, count, KILLS_UNSEEN):
        with meanwhile(lambda: rig.check_returned(TOUCHED_MIB)) as touched:
            kill_some(rig, kills, chance, min(count - killed, KILLS_UNSEEN))
        kills.touched_pages += sum(touched)
        settle(rig, chance.randrange(0, BALLOON_MIB))
        rig.check_pattern()
        kills.looks += 1


def points(rig):
    """At which stops, counted from a message on."""
    return itertools.count(1) if rig.thorough else POINTS


def kill_at(rig, kills, point, send):
    """Kill a worker that waits, is sent something, and comes to so many stops. Returns whether it
    came so far."""
    pid = await_worker(rig, kills.pid)
    time.sleep(WORTH_SECONDS)
    tracer = Tracer(pid)
    tracer.await_waiting()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(send)
        came = all(tracer.step(IDLE_SECONDS) for _ in range(point))
        if came:
            tracer.kill()
            kills.tell(pid)
        else:
            tracer.let_go()
        answer.result()
    return came


def kill_at_orders(rig, kills):
    """From an order on, while the guest's driver fills the balloon or empties it."""
    for number, point in enumerate(range(1, ORDER_POINTS_MAX + 1) if rig.thorough else ORDER_POINTS):
        mib = 0 if number % 2 else BALLOON_MIB
        kill_at(rig, kills, point, lambda: order(rig, mib))


def kill_at_monitors_messages(rig, kills):
    """While the monitor stops its queues, and while it starts them."""
    for before, command in (("cont", "stop"), ("stop", "cont")):
        for point in points(rig):
            rig.vm.qmp.execute(before, ANSWER_SECONDS)
            if not kill_at(rig, kills, point, lambda: rig.vm.qmp.execute(command, ANSWER_SECONDS)):
                break
    rig.vm.qmp.execute("cont", ANSWER_SECONDS)


def kill_at_calls(rig, kills):
    """At every point between what a worker is told and what it answers."""
    kill_at_orders(rig, kills)
    settle(rig, BALLOON_MIB // 2)
    # A QEMU that stops a device 5 in the instant in which that tells of its target dies.
    if not rig.vm.machine.traditional:
        kill_at_monitors_messages(rig, kills)
        settle(rig, BALLOON_MIB // 2)


def recoveries(rig):
    """How long the guest was without a worker each time, in microseconds, as the log says."""
    return [int(us) for us in re.findall(r"going on after (\d+) us", rig.daemon.log())]


def settle(rig, mib):
    order(rig, mib)
    expect(rig.daemon.reached(60), f"a balloon of {mib} MiB: {rig.daemon.status()}")
    rig.check_accounts(mib)


def tell(rig, kills, at_calls, walls):
    """What scripts/take-deaths.py takes into docs/worker-deaths.md."""
    seen, times = sorted(recoveries(rig)), kills.seconds()
    deaths = rig.daemon.status()["supervisor"]["deaths"]
    expect(deaths == len(times), f"{len(times)} workers to have died: {deaths}")
    # One that is killed before it serves has not gone on.
    expect(seen, "a worker to go on")
    expect(seen[-1] < RECOVERY_US_MAX, f"at most {RECOVERY_US_MAX} us each: {seen[-1]}")
    told = [
        f"kills: {len(times)} in {times[-1]:.0f} s",
        f"at a random instant: {len(times) - at_calls}",
        f"before or after a system call, from a message to the answer: {at_calls}",
        f"accounts and pattern were looked at between those: {kills.looks} times",
        f"memory that a program wrote and read meanwhile: {kills.touched_pages / PAGES_PER_GIB:.1f} GiB",
        f"the guest without a worker: median {seen[len(seen) // 2] / 1000:.1f} ms, longest "
        f"{seen[-1] / 1000:.1f} ms",
        f"walls around each worker: {', '.join(walls)}",
    ]
    if rig.thorough:
        told.append("killed at: " + " ".join(f"{moment:.2f}" for moment in times))
    return told


def run(rig):
    kills = Kills()
    rig.load()
    rig.hold_pattern(leave_mib=BALLOON_MIB + TOUCHED_MIB + SPARE_MIB)
    settle(rig, BALLOON_MIB // 2)
    before = rig.daemon.status()
    walls = [name for name, stands in before["sandbox"].items() if stands]
    expect("seccomp" in walls, f"a worker in its sandbox: {before['sandbox']}")
    kill_at_calls(rig, kills)
    at_calls = len(kills.times)
    expect(at_calls >= len(POINTS), f"kills at system calls: {at_calls}")
    rig.check_pattern()
    kill_often(rig, kills, KILLS_THOROUGH if rig.thorough else KILLS)
    settle(rig, BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)
    rig.check_pattern()
    expect(rig.daemon.status()["epoch"] == before["epoch"], "the driver not to have begun anew")
    settle(rig, 0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
    return tell(rig, kills, at_calls, walls)
