# SPDX-License-Identifier: BSD-3-Clause
"""Whether KVM can be used: only a guest that really boots can tell.

A device node that opens is not enough, nor a virtual machine that it creates: under some
hypervisors a stock kernel then hangs. So one is booted, once, and the outcome is kept.
"""

import dataclasses
import os
import platform
from pathlib import Path

from . import cache
from .accel import KVM, TCG, Accelerator
from .assets import Assets
from .failure import Failure
from .vm import Machine, VirtualMachine

PROBE_SECONDS = 10
PROBE_MIB = 512


def _boots(assets: Assets) -> bool:
    try:
        with VirtualMachine(assets, Machine(memory_mib=PROBE_MIB)) as vm:
            vm.boot(PROBE_SECONDS)
            return True
    except Failure:
        return False


def choose(assets: Assets) -> tuple[Accelerator, str]:
    """The accelerator to use, and why."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG, "/dev/kvm cannot be opened"
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    subject = f"{boot_id}-{platform.release()}-{assets.qemu.root.name}"

    def make(directory: Path) -> None:
        boots = _boots(dataclasses.replace(assets, accel=KVM))
        (directory / ("boots" if boots else "hangs")).touch()

    if (cache.entry(f"kvm-{assets.kernel.release}", subject, make) / "boots").exists():
        return KVM, "a stock kernel boots on it"
    return TCG, "a stock kernel does not boot on KVM here"
