# SPDX-License-Identifier: BSD-3-Clause
"""a balloon that has its size wakes nobody, and its daemon stays small"""

import time

from bed.rig import expect

BALLOON_MIB = 448
WATCHED_SECONDS = 3
# The guest's kernel reports what is free every two seconds, until it has reported all.
QUIET_SECONDS = 5
SETTLES_SECONDS = 60
DAEMON_KIB = 4096


def interrupts(rig):
    """The guest's interrupts from virtio devices, line by line."""
    lines = rig.guest.ask("read /proc/interrupts").split(";")
    return [line for line in lines if "virtio" in line]


def wakeups(rig):
    """How often the daemon has slept and been woken, ever."""
    return rig.daemon.process_status()["voluntary_ctxt_switches"]


def settle(rig):
    """Wait until all that is free has been reported."""
    deadline = time.monotonic() + SETTLES_SECONDS
    before = None
    while before != wakeups(rig):
        expect(time.monotonic() < deadline, "a guest that has reported all that is free")
        before = wakeups(rig)
        time.sleep(QUIET_SECONDS)


def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    settle(rig)
    guest_before = interrupts(rig)
    before = rig.daemon.process_status()
    time.sleep(WATCHED_SECONDS)
    after = rig.daemon.process_status()
    woken = after["voluntary_ctxt_switches"] - before["voluntary_ctxt_switches"]
    expect(woken == 0, f"a daemon that sleeps: it woke {woken} times in {WATCHED_SECONDS} s")
    expect(guest_before and interrupts(rig) == guest_before, "a guest that is left alone")
    # Shared memory is the guest's own, and the page set.
    own_kib = after["RssAnon"] + after["RssFile"]
    expect(own_kib <= DAEMON_KIB, f"a daemon of at most {DAEMON_KIB} KiB: it has {own_kib}")
