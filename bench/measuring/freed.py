# SPDX-License-Identifier: BSD-3-Clause
"""Memory that a process of the guest frees, until the host has it, without a balloon."""

import time
from typing import Any, Callable

from bed.failure import Failure
from bed.rig import Rig

from .guests import Meter
from .row import Sample

GUEST_MIB = 2048
FREED_MIB = 1536
# What lies in small pieces, or in hand for a report, is not reported.
REPORTED_SHARE = 0.95
WAIT_SECONDS = 60
POLL_SECONDS = 0.004
# Linux's free page reporting on QEMU's balloon.
PEER = ["-device", "virtio-balloon-pci,id=peer,free-page-reporting=on"]


def wait_returned(rig: Rig, host_mib: float, meanwhile: Callable[[], Any]) -> None:
    """Wait until the host holds no more than that."""
    deadline = time.monotonic() + WAIT_SECONDS
    while rig.vm.memory.allocated_mib() > host_mib:
        if time.monotonic() > deadline:
            raise Failure(f"waited {WAIT_SECONDS} s for the host to hold {host_mib:.0f} MiB: "
                          f"it holds {rig.vm.memory.allocated_mib():.0f}")
        meanwhile()


def free(rig: Rig, meter: Meter, driver: str, meanwhile: Callable[[], Any]) -> Sample:
    """One process takes memory and lets it go, with that driver loaded."""
    rig.guest.load(driver)
    rig.guest.occupy(FREED_MIB)
    wanted_mib = rig.vm.memory.allocated_mib() - FREED_MIB * REPORTED_SHARE

    def work() -> None:
        rig.guest.release()
        wait_returned(rig, wanted_mib, meanwhile)

    taken = meter.sample(work)
    rig.guest.unload(driver)
    return taken
