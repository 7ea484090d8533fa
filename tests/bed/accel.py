# SPDX-License-Identifier: BSD-3-Clause
"""How QEMU runs the guest's instructions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Accelerator:
    """A name for -accel, what several processors of a guest need, and the kind of processor."""

    name: str
    cpu: str
    several: str = ""

    def arguments(self, cpus: int) -> list[str]:
        options = self.several if cpus > 1 else ""
        return ["-accel", self.name + options, "-cpu", self.cpu, "-smp", str(cpus)]


KVM = Accelerator("kvm", "host")
# QEMU's own default. In a thread each its processors may run code that another has just changed.
TCG = Accelerator("tcg", "qemu64", ",thread=single")
