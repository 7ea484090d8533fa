# SPDX-License-Identifier: BSD-3-Clause
"""memory that is plugged in while the balloon is full is the guest's, and can be given up"""

from bed.rig import expect

MACHINE = {"pluggable_mib": 1024, "kernel_parameters": ["init_on_alloc=0",
                                                        "memhp_default_state=online"]}
SPOILS = True
BALLOON_MIB = 448
PLUGGED_MIB = 256
LARGER_MIB = 640


def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    total_mib = rig.guest.memory_mib()["total"]
    memory_bytes = rig.daemon.status()["memory_bytes"]
    rig.vm.plug(PLUGGED_MIB)
    rig.guest.wait_for("the guest to use the new memory",
                       lambda: rig.guest.memory_mib()["total"] >= total_mib + PLUGGED_MIB)
    rig.check_accounts(BALLOON_MIB)
    grown = rig.daemon.status()["memory_bytes"] - memory_bytes
    expect(grown == PLUGGED_MIB << 20, f"{PLUGGED_MIB} MiB more in the device: {grown >> 20}")
    rig.hold_pattern(leave_mib=LARGER_MIB - BALLOON_MIB)
    rig.daemon.resize(LARGER_MIB)
    rig.check_accounts(LARGER_MIB)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
