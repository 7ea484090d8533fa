# SPDX-License-Identifier: BSD-3-Clause
"""a guest that hibernates with a full balloon resumes with its memory, and fills the balloon again"""

import contextlib
import threading

from bed.rig import PATTERN_SEED, expect

MACHINE = {"memory_mib": 512, "swap_mib": 640}
SPOILS = True
BALLOON_MIB = 256
PATTERN_MIB = 64
SECONDS = 60
PAUSE_SECONDS = 0.05


def sleep(rig):
    rig.vm.qmp.events.clear()
    # Answered by the kernel that was saved: another would have said that it is ready.
    rig.guest.ask("write /sys/power/state disk", seconds=SECONDS)
    rig.vm.qmp.await_event("RESET")  # it has slept, and woken up again


def check_resumed(rig):
    """The balloon is filled again, and all that the guest has is as it was."""
    expect(rig.daemon.reached(SECONDS), "the balloon to be filled again")
    rig.check_accounts(BALLOON_MIB)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.check_pattern()
    rig.check_accounts(0)
    rig.guest.release()
    rig.check_returned()


@contextlib.contextmanager
def resets(rig):
    """Have the device stopped, as for a fault of its own, all the time."""
    over = threading.Event()

    def work():
        while not over.wait(PAUSE_SECONDS):
            rig.daemon.command_line("reset")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# Proves DRV-RESET-1, DRV-RESET-4.
def run(rig):
    rig.load()
    rig.guest.fill(PATTERN_MIB, PATTERN_SEED)
    rig.daemon.resize(BALLOON_MIB)
    rig.guest.ask("swapon /dev/nvme0n1")
    rig.guest.ask("write /sys/power/disk reboot")
    hellos = rig.daemon.status()["counters"]["hellos"]
    sleep(rig)
    expect(rig.daemon.status()["counters"]["hellos"] > hellos, "the driver to say HELLO again")
    check_resumed(rig)
    if rig.thorough:
        rig.guest.fill(PATTERN_MIB, PATTERN_SEED)
        rig.daemon.resize(BALLOON_MIB)
        with resets(rig):
            sleep(rig)
        check_resumed(rig)
