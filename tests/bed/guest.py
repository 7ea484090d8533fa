# SPDX-License-Identifier: BSD-3-Clause
"""What can be asked of the guest, over its second serial port (see guest/init.c)."""

import re
import time
from pathlib import Path
from typing import Any, Callable

from .failure import Failure
from .lines import LineSocket
from .modules import TRANSPORT_MODULE, Modules

KIB_PER_MIB = 1024
PAGES_PER_MIB = 256
HUGE_ORDER = 9
# What a kernel may keep for itself beside its reserves though it counts as free: it raises these by a
# block of pages or two once what is free lies in pieces, and every processor has some in hand.
RESERVE_MIB = 12


class Guest:
    """The init of a guest that runs."""

    def __init__(self, path: Path, modules: Modules, patience: int = 1):
        """Everything may take `patience` times as long."""
        self._lines = LineSocket(path, "the guest")
        self._modules = modules
        self._patience = patience
        self.kernel_release = ""

    def wait_ready(self, seconds: float) -> None:
        """Wait for init to say that it runs: after power-on, a reset, a reboot or a kexec."""
        while not self.kernel_release:
            line = self._lines.receive(seconds * self._patience, "its init")
            # Firmware and a kernel that dies may leave a few bytes of their own on the line.
            _, found, release = line.partition("ready ")
            if found:
                self.kernel_release = release

    def ask(self, command: str, seconds: float = 30) -> str:
        self._lines.send(command)
        answer = self._lines.receive(seconds * self._patience, f"the answer to `{command}`")
        verdict, _, text = answer.partition(" ")
        if verdict != "ok":
            raise Failure(f"the guest was asked to `{command}` and said: {answer}")
        return text

    def wait_for(self, what: str, true: Callable[[], Any], seconds: float = 30) -> None:
        """Wait for something that the guest brings about."""
        deadline = time.monotonic() + seconds * self._patience
        while not true():
            if time.monotonic() > deadline:
                raise Failure(f"waited {seconds * self._patience:g} s for {what}")
            time.sleep(0.01)

    def numbers(self, command: str, seconds: float = 30) -> dict[str, int]:
        pairs = (pair.partition("=") for pair in self.ask(command, seconds).split())
        return {name: int(value) for name, _, value in pairs}

    def load(self, name: str, parameters: str = "") -> None:
        """Load a virtio driver, the transport that finds its device, and all that they need."""
        for need in [*self._modules.order(TRANSPORT_MODULE), *self._modules.order(name)]:
            self.ask(f"load {need} {parameters if need == name else ''}".strip())

    def unload(self, name: str) -> None:
        self.ask(f"unload {name}", seconds=60)

    def memory_mib(self) -> dict[str, float]:
        """total, free and available, as /proc/meminfo has them."""
        return {name.removesuffix("_kib"): value / KIB_PER_MIB
                for name, value in self.numbers("meminfo").items()}

    def free_mib(self) -> float:
        """What nobody has: what is counted as free, and what lies in the lists for each processor, of
        which a kernel makes longer ones the more pages come and go: from 6.7 on an eighth of memory."""
        pages = re.findall(r"(?:pages free|count:) +(\d+)", self.ask("read /proc/zoneinfo"))
        return sum(map(int, pages)) / PAGES_PER_MIB

    def spare_mib(self) -> float:
        """What a program can surely have, however small the guest: what is merely available counts
        caches that this guest, which has all of its files in memory, never lets go of."""
        kept_mib = int(self.ask("read /proc/sys/vm/min_free_kbytes")) / KIB_PER_MIB
        return self.memory_mib()["free"] - kept_mib - RESERVE_MIB

    def free_huge_mib(self, order: int = HUGE_ORDER, but_zone: str = "") -> float:
        """What is free in blocks of a huge page and larger."""
        zones = [line.split()[3:] for line in self.ask("read /proc/buddyinfo").split(";")]
        return sum(int(count) << at for zone, *counts in zones if zone != but_zone
                   for at, count in enumerate(counts) if at >= order) / PAGES_PER_MIB

    def block_order(self) -> int:
        """Of the blocks that its kernel has memory in: the least that it reports as free."""
        return int(self.ask("read /proc/pagetypeinfo").split(";")[0].partition(":")[2])

    def fill(self, mib: float, seed: int) -> int:
        """Hold that much memory with a pattern in it. Returns the pages."""
        return self.numbers(f"fill {seed} {int(mib * KIB_PER_MIB)}", seconds=120)["pages"]

    def occupy(self, mib: float = 0) -> None:
        """Hold that much memory, or all that is to be had, having written to each page of it."""
        self.ask(f"occupy {int(mib * KIB_PER_MIB)}", seconds=120)

    def scatter(self, mib: float) -> None:
        """Hold two pages of three of that much memory."""
        self.ask(f"scatter {int(mib * KIB_PER_MIB)}", seconds=120)

    def zeros(self, mib: float) -> tuple[int, int]:
        """Pages that are new to a program, and how many of them are not zero."""
        counted = self.numbers(f"zeros {int(mib * KIB_PER_MIB)}", seconds=120)
        return counted["pages"], counted["bad"]

    def verify(self, seed: int) -> tuple[int, int]:
        """Pages that were filled, and how many of them are not what they were."""
        counted = self.numbers(f"verify {seed}", seconds=120)
        return counted["pages"], counted["bad"]

    def release(self) -> None:
        self.ask("release")

    def touch(self, seed: int, mib: float = 0) -> tuple[int, int]:
        """Write and read that much memory, or all that is to be had. Returns pages, and how many were
        bad."""
        counted = self.numbers(f"touch {seed} {int(mib * KIB_PER_MIB)}", seconds=120)
        return counted["pages"], counted["bad"]

    def end(self, how: str) -> None:
        """kexec, reboot or poweroff. After the first two, wait_ready()."""
        self.kernel_release = ""
        self.ask(how)

    def forget(self) -> None:
        """The machine was reset from outside: what the guest said before no longer counts."""
        self.kernel_release = ""

    def close(self) -> None:
        self._lines.close()
