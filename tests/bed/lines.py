# SPDX-License-Identifier: BSD-3-Clause
"""Lines over a Unix socket: what the monitor, the control socket and the guest all speak."""

import socket
import time
from pathlib import Path
from typing import Callable

from .failure import Failure


class LineSocket:
    """A stream socket that sends and receives whole lines, each within a time."""

    def __init__(self, path: Path, name: str, seconds: float = 10,
                 check: Callable[[], None] = lambda: None):
        """Connect to what listens at `path`, or will soon; `check` raises if it never will."""
        self.name = name
        self._received = b""
        deadline = time.monotonic() + seconds
        while True:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.connect(str(path))
                return
            except OSError as error:
                self._socket.close()
                check()
                if time.monotonic() > deadline:
                    raise Failure(f"no {name} at {path}: {error.strerror}") from error
                time.sleep(0.02)

    def send(self, line: str) -> None:
        try:
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise Failure(f"{self.name} is gone: {error.strerror}") from error

    def receive(self, seconds: float, awaited: str) -> str:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f"{self.name}: waited {seconds:g} s for {awaited}")
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                continue
            except OSError as error:
                raise Failure(f"{self.name} is gone: {error.strerror}") from error
            if not data:
                raise Failure(f"{self.name} closed while waiting for {awaited}")
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def close(self) -> None:
        self._socket.close()
