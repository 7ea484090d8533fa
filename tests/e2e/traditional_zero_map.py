# SPDX-License-Identifier: BSD-3-Clause
"""a guest that need not tell is restored without what the host has nothing of, reported memory too"""

from bed.rig import expect
from skip_map import stretches

MACHINE = {"traditional": True}
DAEMON = ("--features", "-must-tell-host")
LEFT_MIB, REPORTED_MIB, BALLOON_MIB = 320, 200, 100
UNKNOWN_MIB = 2  # below 1 MiB the guest's memory is in pieces, some of them not the device's


def reported_mib(rig):
    """What the host has back of memory that the guest's kernel has reported as free."""
    return rig.daemon.status()["discarded_bytes"] >> 20


# Proves DEV-STATE-8.
def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=LEFT_MIB)
    rig.guest.touch(9)  # so that the host has had what is left
    rig.guest.wait_for(f"reports of {REPORTED_MIB} MiB", lambda: reported_mib(rig) >= REPORTED_MIB)
    rig.daemon.resize(BALLOON_MIB)
    reported = reported_mib(rig)
    rig.vm.qmp.execute("stop")
    refused = rig.daemon.command_line("skip-map")
    expect(refused.returncode == 1, f"no page to be told of that may be in use: {refused.stdout}")
    left_out, skip_bytes = stretches(rig, "--zeros")
    host_lacks_mib = rig.vm.machine.memory_mib - rig.vm.memory.allocated_mib()
    expect(host_lacks_mib - UNKNOWN_MIB <= skip_bytes / (1 << 20) <= host_lacks_mib,
           f"{host_lacks_mib:.0f} MiB that the host has nothing of: {skip_bytes >> 20} are told")
    rig.vm.memory.renew(left_out)
    rig.vm.qmp.execute("cont")
    rig.check_pattern()
    rig.daemon.resize(BALLOON_MIB // 4)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.guest.release()
    rig.check_returned()
    return [f"{skip_bytes >> 20} MiB need not travel; {reported} MiB were reported, and "
            f"{BALLOON_MIB} in the balloon"]
