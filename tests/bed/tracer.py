# SPDX-License-Identifier: BSD-3-Clause
"""A process that is followed from one system call to the next: ptrace(2)."""

import ctypes
import os
import platform
import signal
import struct
import time

from .failure import Failure

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
SYSCALL, DETACH, SEIZE, INTERRUPT, GET_SYSCALL_INFO = 24, 17, 0x4206, 0x4207, 0x420E
TRACESYSGOOD = 1
# waitpid(2): a child of somebody else's, too.
WALL = 0x40000000
# struct __ptrace_syscall_info of one that is about to be made: its number, and its arguments.
ENTRY = 1
INFO = struct.Struct("<B7x16xQ6Q")
# epoll_wait() and epoll_pwait(), in which a process waits for events.
WAITS = {"x86_64": (232, 281), "aarch64": (22,)}
PATIENCE_SECONDS = 10
LOOK_SECONDS = 0.0002


class Tracer:
    """Stops a process, which must not be traced yet. All from one thread."""

    def __init__(self, pid: int):
        self.pid = pid
        self._stopped = False
        self._ptrace(SEIZE, TRACESYSGOOD)
        self._interrupt()

    def _ptrace(self, request: int, data: int = 0, address: int = 0, buffer: object = None) -> None:
        if LIBC.ptrace(request, self.pid, address, buffer or data) < 0:
            raise Failure(f"ptrace of {self.pid}: {os.strerror(ctypes.get_errno())}")

    def _await_stop(self, seconds: float) -> bool:
        """Whether it stops within so long."""
        deadline = time.monotonic() + seconds
        while not self._stopped and time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, WALL | os.WNOHANG)
            if not pid:
                time.sleep(LOOK_SECONDS)
            elif os.WIFSTOPPED(status):
                self._stopped = True
            else:
                raise Failure(f"process {self.pid} ended while it was followed")
        return self._stopped

    def _interrupt(self) -> None:
        self._ptrace(INTERRUPT)
        if not self._await_stop(PATIENCE_SECONDS):
            raise Failure(f"waited {PATIENCE_SECONDS} s for process {self.pid} to stop")

    def _waits(self) -> bool:
        """It is about to wait for events, for as long as it takes."""
        info = ctypes.create_string_buffer(256)
        self._ptrace(GET_SYSCALL_INFO, address=len(info), buffer=info)
        kind, number, *arguments = INFO.unpack_from(info.raw)
        return kind == ENTRY and number in WAITS[platform.machine()] and arguments[3] & 0xFFFFFFFF != 0

    def step(self, seconds: float) -> bool:
        """Let it go on to the next beginning or end of a system call. False: there was none in so
        long, and it runs."""
        self._ptrace(SYSCALL)
        self._stopped = False
        return self._await_stop(seconds)

    def await_waiting(self) -> None:
        """Let it go on until it is about to wait for events."""
        while not self._waits():
            if not self.step(PATIENCE_SECONDS):
                raise Failure(f"waited {PATIENCE_SECONDS} s for process {self.pid} to wait")

    def kill(self) -> None:
        """End it where it is."""
        os.kill(self.pid, signal.SIGKILL)
        while True:
            _, status = os.waitpid(self.pid, WALL)
            if not os.WIFSTOPPED(status):
                return

    def let_go(self) -> None:
        """Follow it no more."""
        if not self._stopped:
            self._interrupt()
        self._ptrace(DETACH)
