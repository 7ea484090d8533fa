# SPDX-License-Identifier: BSD-3-Clause
"""How QEMU runs the guest's instructions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Accelerator:
    """A name for -machine accel=, and the processor that goes with it."""

    name: str
    cpu: str

    def arguments(self) -> list[str]:
        return ["-cpu", self.cpu]


KVM = Accelerator("kvm", "host")
TCG = Accelerator("tcg", "qemu64")  # QEMU's own default
