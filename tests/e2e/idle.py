# SPDX-License-Identifier: BSD-3-Clause
"""a balloon that has its size wakes nobody, and its daemon stays small"""

import time

from bed.rig import expect

BALLOON_MIB = 448
WATCHED_SECONDS = 3
DAEMON_KIB = 4096


def interrupts(rig):
    """The guest's interrupts from virtio devices, line by line."""
    lines = rig.guest.ask("read /proc/interrupts").split(";")
    return [line for line in lines if "virtio" in line]


def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    time.sleep(1)
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
