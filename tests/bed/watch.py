# SPDX-License-Identifier: BSD-3-Clause
"""Shows, while it happens, where a guest's memory is."""

import os
import sys
import threading
import time
from dataclasses import dataclass

from .failure import Failure
from .vm import VirtualMachine

STEP_SECONDS = 0.25
FULL, EMPTY = "█", "·"
BAR_COLUMNS_MAX = 14
# What a line has besides its bars: the seconds, three numbers, and room between them.
OTHER_COLUMNS = 7 + 3 * (2 + 6 + 1)


@dataclass(frozen=True)
class Sample:
    """Where the memory was at one moment."""

    seconds: float
    guest_free_mib: float
    balloon_mib: float
    host_mib: float


def _bar_columns(out) -> int:
    """How long bars may be, so that a line fits; 0 where there is no room, or no terminal."""
    if not out.isatty():
        return 0
    room = os.get_terminal_size(out.fileno()).columns - OTHER_COLUMNS
    return max(0, min(room // 3, BAR_COLUMNS_MAX))


class Watch:
    """Samples in a thread of its own, so that looking does not delay what is timed. The guest
    must have no balloon when it begins, and nobody else may talk to the guest meanwhile.

    On a terminal each sample is a line of bars, so that time runs downwards; elsewhere it is
    the numbers alone.
    """

    def __init__(self, vm: VirtualMachine, out=sys.stdout):
        self._vm = vm
        self._out = out
        self._bar_columns = _bar_columns(out)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began = 0.0
        self._total_mib = vm.guest.memory_mib()["total"]
        self.samples: list[Sample] = []

    def sample(self) -> Sample:
        seconds = time.monotonic() - self._began
        guest = self._vm.guest.memory_mib()
        # Both drivers take what is in the balloon off the guest's total.
        balloon_mib = self._total_mib - guest["total"]
        taken = Sample(seconds, guest["free"], balloon_mib, self._vm.memory.allocated_mib())
        self.samples.append(taken)
        self._show(taken)
        return taken

    def _cell(self, mib: float) -> str:
        filled = round(self._bar_columns * min(mib / self._vm.machine.memory_mib, 1))
        bar = FULL * filled + EMPTY * (self._bar_columns - filled)
        return f"{mib:6.0f} {bar}".rstrip()

    def _show(self, taken: Sample) -> None:
        cells = map(self._cell, (taken.guest_free_mib, taken.balloon_mib, taken.host_mib))
        print(f"{taken.seconds:7.2f}", *cells, sep="  ", file=self._out, flush=True)

    def _show_heading(self) -> None:
        width = len(self._cell(0))
        names = (f"{name:>{width}}" for name in ("free", "balloon", "host"))
        print("MiB    ", *names, sep="  ", file=self._out)

    def _run(self) -> None:
        try:
            while not self._stop.wait(STEP_SECONDS):
                self.sample()
        except Failure:
            pass  # the guest is gone: who waits for it will say so

    def __enter__(self) -> "Watch":
        self._show_heading()
        self._began = time.monotonic()
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._stop.set()
        self._thread.join()
        if not error:
            self.sample()
