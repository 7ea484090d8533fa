# SPDX-License-Identifier: BSD-3-Clause
"""The kernel modules that a guest may be told to load, and which needs which."""

import re

from .kernel import Kernel

TRANSPORT_MODULE = "virtio_pci"
PEER_MODULE = "virtio_balloon"
BALLOON_MODULE = "virtio_memory_balloon"
NEEDS_RESET_MODULE = "needs_reset"
MISTAKES_MODULE = "mistakes"


def needs(module: bytes) -> list[str]:
    """Names of the modules that a module says it depends on."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.replace("-", "_") for name in found[1].decode().split(",") if name] if found else []


class Modules:
    """Modules by name. What the kernel has built in is none."""

    def __init__(self, kernel: Kernel):
        self._kernel = kernel
        self.files: dict[str, bytes] = {}

    def add(self, name: str, module: bytes | None = None) -> None:
        """Add a module, the kernel's own unless it is given, and all that it needs."""
        data = module or self._kernel.module(name)
        if data is None or name in self.files:
            return
        self.files[name] = data
        for need in needs(data):
            self.add(need)

    def order(self, name: str) -> list[str]:
        """The module after all that it needs."""
        if name not in self.files:
            return []
        before: list[str] = []
        for need in needs(self.files[name]):
            before += [other for other in self.order(need) if other not in before]
        return [*before, name]
