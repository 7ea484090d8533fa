# SPDX-License-Identifier: BSD-3-Clause
"""Two balloons that do the same job: ours, and QEMU's own."""

import time
from typing import Protocol

from .daemon import Daemon
from .failure import Failure
from .modules import BALLOON_MODULE, PEER_MODULE
from .vm import VirtualMachine

RESIZE_SECONDS = 60
PEER_POLL_SECONDS = 0.004


class Balloon(Protocol):
    """What both can do."""

    name: str
    driver: str

    def resize(self, balloon_mib: int) -> None:
        """Ask for a balloon of that size, and come back when all of it is done."""

    def size_mib(self) -> float:
        """How large the balloon is now."""


class OwnBalloon:
    """Device 13, in vballoond, or device 5."""

    name = "vballoon"

    def __init__(self, daemon: Daemon, driver: str = BALLOON_MODULE):
        self._daemon = daemon
        self.driver = driver

    def resize(self, balloon_mib: int) -> None:
        self._daemon.resize(balloon_mib, RESIZE_SECONDS)

    def size_mib(self) -> float:
        return self._daemon.status()["held_bytes"] / (1 << 20)


class PeerBalloon:
    """Device 5, in QEMU, which counts what the guest has left."""

    name = "QEMU's own"
    driver = PEER_MODULE

    def __init__(self, vm: VirtualMachine):
        self._vm = vm

    def resize(self, balloon_mib: int) -> None:
        left_bytes = (self._vm.machine.memory_mib - balloon_mib) << 20
        deadline = time.monotonic() + RESIZE_SECONDS
        self._vm.qmp.execute("balloon", value=left_bytes)
        while self._left_bytes() != left_bytes:
            if time.monotonic() > deadline:
                raise Failure(f"waited {RESIZE_SECONDS} s for QEMU's balloon to be "
                              f"{balloon_mib} MiB: it is {self.size_mib():g} MiB")
            time.sleep(PEER_POLL_SECONDS)

    def _left_bytes(self) -> int:
        return self._vm.qmp.execute("query-balloon")["actual"]

    def size_mib(self) -> float:
        return self._vm.machine.memory_mib - self._left_bytes() / (1 << 20)
