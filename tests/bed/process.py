# SPDX-License-Identifier: BSD-3-Clause
"""A process that runs beside the test bed, and never outlives it."""

import ctypes
import signal
import subprocess
import sys
from pathlib import Path

from .failure import Failure

END_SECONDS = 5
EXPLAINING_LINES = 25
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """What a child does first that is not to outlive this process, however that ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_on_signal() -> None:
    """Have SIGTERM unwind the stack, as Ctrl-C does, so that everything is cleared away."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def tail(path: Path, lines: int = EXPLAINING_LINES) -> str:
    """The last lines of a log, for a person who wants to know what went wrong."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


class Process:
    """One process, with what it says in a file."""

    def __init__(self, name: str, command: list[str], log: Path):
        self.name = name
        self.log = log
        with open(log, "wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                             stderr=out, preexec_fn=die_with_parent)
        self.pid = self._process.pid

    def check(self) -> None:
        """Raise when it has ended: nobody expects it to."""
        if self._process.poll() is not None:
            raise Failure(f"{self.name} ended with status {self._process.returncode}")

    def explain(self, error: BaseException) -> None:
        """Say beside an error what the process said last."""
        said = tail(self.log)
        if said:
            error.add_note(f"--- {self.name} said:\n{said}")

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
