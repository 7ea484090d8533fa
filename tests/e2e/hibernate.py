# SPDX-License-Identifier: BSD-3-Clause
"""a guest that hibernates with a full balloon resumes with its memory, and fills the balloon again"""

from bed.rig import PATTERN_SEED, expect

MACHINE = {"memory_mib": 512, "swap_mib": 640}
SPOILS = True
BALLOON_MIB = 256
PATTERN_MIB = 64
SECONDS = 60


# Proves DRV-RESET-1, DRV-RESET-4.
def run(rig):
    guest = rig.guest
    rig.load()
    guest.fill(PATTERN_MIB, PATTERN_SEED)
    rig.daemon.resize(BALLOON_MIB)
    guest.ask("swapon /dev/nvme0n1")
    guest.ask("write /sys/power/disk reboot")
    hellos = rig.daemon.status()["counters"]["hellos"]
    # Answered by the kernel that was saved: another would have said that it is ready.
    guest.ask("write /sys/power/state disk", seconds=SECONDS)
    rig.vm.qmp.await_event("RESET")  # it has slept, and woken up again
    expect(rig.daemon.status()["counters"]["hellos"] > hellos, "the driver to say HELLO again")
    expect(rig.daemon.reached(SECONDS), "the balloon to be filled again")
    rig.check_accounts(BALLOON_MIB)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.check_pattern()
    rig.check_accounts(0)
    guest.release()
    rig.check_returned()
