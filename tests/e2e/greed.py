# SPDX-License-Identifier: BSD-3-Clause
"""a target of all memory takes what can be had, and the guest lives on"""

import time

from bed.rig import expect

SETTLE_SECONDS = 6


# Proves DRV-REQ-9, DRV-BAD-9.
def run(rig):
    rig.load()
    rig.guest.fill(64, 3)
    rig.daemon.ask(rig.vm.machine.memory_mib)
    rig.await_held(rig.vm.machine.memory_mib / 2)
    time.sleep(SETTLE_SECONDS)
    rig.guest.ask("meminfo")
    rig.check_pattern()
    held_mib = rig.daemon.status()["held_bytes"] / (1 << 20)
    expect(held_mib > rig.vm.machine.memory_mib / 2, f"most of the memory: {held_mib:.0f} MiB")
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
