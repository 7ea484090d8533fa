# SPDX-License-Identifier: BSD-3-Clause
"""a balloon that has its size wakes nobody, and its daemon stays small"""

import time

from bed.rig import expect

BALLOON_MIB = 448
# The guest's kernel reports what is free every two seconds, until it has reported all; and again
# when something in the guest has freed more.
WATCHED_SECONDS = 5
SETTLES_SECONDS = 60
DAEMON_KIB = 4096


def interrupts(rig):
    """The guest's interrupts from virtio devices, line by line."""
    lines = rig.guest.ask("read /proc/interrupts").split(";")
    return [line for line in lines if "virtio" in line]


def wakeups(rig):
    """How often the daemon has slept and been woken, ever."""
    return rig.daemon.process_status()["voluntary_ctxt_switches"]


def is_left_alone(rig):
    """Whether nobody wakes the daemon, or the guest, for a while."""
    woken, interrupted = wakeups(rig), interrupts(rig)
    expect(interrupted, "a guest with a balloon")
    time.sleep(WATCHED_SECONDS)
    return (wakeups(rig), interrupts(rig)) == (woken, interrupted)


def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    deadline = time.monotonic() + SETTLES_SECONDS
    while not is_left_alone(rig):
        expect(time.monotonic() < deadline, "a daemon and a guest that sleep")
    # Shared memory is the guest's own, and the page set.
    figures = rig.daemon.process_status()
    own_kib = figures["RssAnon"] + figures["RssFile"]
    expect(own_kib <= DAEMON_KIB, f"a daemon of at most {DAEMON_KIB} KiB: it has {own_kib}")
