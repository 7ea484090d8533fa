# SPDX-License-Identifier: BSD-3-Clause
"""another program takes over again and again while the guest resizes, and the guest notices nothing"""

import os
import random
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bed.meanwhile import meanwhile
from bed.rig import Rig, expect
from bed.vm import Machine
from worker_dies import order, settle, worker

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 768, "kernel_parameters": ["init_on_alloc=0"]}
BALLOON_MIB = 448
UPGRADES = 10
LIFE_SECONDS_MAX = 0.3


def install(program):
    """Again, as a package does: another file takes the name of the one that runs."""
    shutil.copy(program, program.with_suffix(".new"))
    os.replace(program.with_suffix(".new"), program)


def is_amid(rig):
    """Whether pages are on their way."""
    status = rig.daemon.command_line_json("status")
    return status["held_bytes"] != status["target_bytes"]


def upgrade(rig, program):
    """Returns whether pages were on their way, and how long the guest was without a worker."""
    install(program)
    amid = is_amid(rig)
    # It returns when the new program has served for a while: by then they may have arrived.
    told = rig.daemon.command_line_json("upgrade")
    return amid, told["recovery_us"]


def upgrades(rig, program):
    """What each of them returned."""
    chance = random.Random(1)
    epoch = rig.daemon.status()["epoch"]
    for number in range(UPGRADES):
        with meanwhile(lambda: order(rig, chance.randrange(0, BALLOON_MIB))):
            time.sleep(chance.random() * LIFE_SECONDS_MAX)
            was_amid, recovery_us = upgrade(rig, program)
        settle(rig, chance.randrange(0, BALLOON_MIB))
        rig.check_pattern()
        status = rig.daemon.status()
        expect(status["supervisor"]["upgrades"] == number + 1, f"{number + 1} upgrades: {status}")
        expect(os.path.samefile(f"/proc/{worker(rig)}/exe", program), "the new program to serve")
        expect(status["epoch"] == epoch, "the driver not to have begun anew")
        yield was_amid, recovery_us


def run(assets):
    with tempfile.TemporaryDirectory(prefix="vballoon-u-") as directory:
        program = Path(directory) / "vballoond"
        shutil.copy(assets.built.vballoond, program)
        installed = replace(assets, built=replace(assets.built, vballoond=program))
        with Rig(installed, Machine(**OWN_MACHINE), "--supervise", "yes") as rig:
            rig.load()
            rig.hold_pattern(leave_mib=BALLOON_MIB)
            settle(rig, 0)
            amid, recoveries_us = zip(*upgrades(rig, program))
            expect(any(amid), "an upgrade while pages are on their way")
            settle(rig, BALLOON_MIB)
            rig.check_host_has(BALLOON_MIB)
            settle(rig, 0)
            rig.guest.release()
            rig.check_returned()
            rig.check_kernel()
    return [f"upgrades: {UPGRADES}, {sum(amid)} of them while pages were on their way",
            f"the guest without a worker: at most {max(recoveries_us) / 1000:.1f} ms"]
