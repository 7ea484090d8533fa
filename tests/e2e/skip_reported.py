# SPDX-License-Identifier: BSD-3-Clause
"""of a guest that reports free memory nothing is needed of what either map says need not travel"""

from bed.rig import expect
from skip_map import overwrite, stretches

# Who was promised that what it has reported reads as zeros must find zeros there, not just anything.
DAEMON = ("--features", "-zeroed")
BALLOON_MIB, FREE_MIB = 192, 256
REPORTED_MIB = FREE_MIB // 2  # at least; more than check_returned() leaves unused


def run(rig):
    rig.load()
    rig.check_returned()  # so that the host has pages for what is free
    rig.hold_pattern(leave_mib=BALLOON_MIB + FREE_MIB)
    rig.daemon.resize(BALLOON_MIB)
    rig.daemon.command_line_json("reclaim-free", "--wait")
    rig.vm.qmp.execute("stop")
    held, held_bytes = stretches(rig)
    nothing, nothing_bytes = stretches(rig, "--zeros")
    expect(held_bytes == BALLOON_MIB << 20, f"{BALLOON_MIB} MiB to be held: {held_bytes} bytes")
    # The host has nothing of what is held either.
    expect(nothing_bytes - held_bytes >= REPORTED_MIB << 20,
           f"nothing of {REPORTED_MIB} MiB more: {nothing_bytes - held_bytes} bytes")
    overwrite(rig, held + nothing)
    expect(not stretches(rig, "--zeros")[1], "the host to have memory for all")
    rig.vm.qmp.execute("cont")
    rig.check_pattern()
    rig.check_accounts(BALLOON_MIB)
    rig.daemon.resize(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
    return [f"held: {held_bytes >> 20} MiB, and the host has nothing of {nothing_bytes >> 20} MiB"]
