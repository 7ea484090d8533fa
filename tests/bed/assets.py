# SPDX-License-Identifier: BSD-3-Clause
"""Everything that a virtual machine is made from."""

from dataclasses import dataclass
from pathlib import Path

from . import initramfs
from .accel import Accelerator
from .build import Built
from .kernel import Kernel
from .modules import Modules
from .qemu_root import QemuRoot


@dataclass
class Assets:
    """What was fetched and built, ready to run."""

    qemu: QemuRoot
    kernel: Kernel
    accel: Accelerator
    init: Path
    modules: Modules
    built: Built
    cpus: int = 1  # of a machine that does not say how many

    def initramfs(self, kexec: bool) -> bytes:
        """The guest's file system; with `kexec` it holds another kernel and its file system."""
        files = {"init": self.init.read_bytes()}
        for name, data in self.modules.files.items():
            files[f"modules/{name}.ko"] = data
        if kexec:
            files["kexec/initrd"] = initramfs.pack(files)
            files["kexec/vmlinuz"] = self.kernel.image.read_bytes()
        return initramfs.pack(files)
