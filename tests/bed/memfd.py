# SPDX-License-Identifier: BSD-3-Clause
"""How much memory the host really holds for a guest: the blocks of the file behind it."""

import ctypes
import os
from pathlib import Path

from .failure import Failure
from .process import LIBC

GARBAGE = b"\xdb"
CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 512  # what st_blocks counts, whatever the file system
PUNCH_HOLE = 3  # FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE


class GuestMemory:
    """The memfd of a QEMU that runs, or its file in a directory. Not its resident size: pages that QEMU has not mapped, or
    no longer maps, are allocated all the same."""

    def __init__(self, pid: int, size_bytes: int, directory: Path | None = None):
        name = f"{directory}/" if directory else "/memfd:memory-backend"
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(fd).startswith(name) and fd.stat().st_size == size_bytes:
                    self._fd = os.open(fd, os.O_RDWR | os.O_CLOEXEC)
                    return
            except OSError:
                continue
        raise Failure(f"process {pid} has no {name} of {size_bytes} bytes")

    def allocated_mib(self) -> float:
        return os.fstat(self._fd).st_blocks * BLOCK_BYTES / (1 << 20)

    def overwrite(self, gpa: int, size_bytes: int) -> None:
        """Put garbage there; below 2 GiB, where the file begins with guest address 0."""
        for at in range(gpa, gpa + size_bytes, CHUNK_BYTES):
            os.pwrite(self._fd, GARBAGE * min(CHUNK_BYTES, gpa + size_bytes - at), at)

    def renew(self, left_out: list[tuple[int, int]]) -> None:
        """Make the memory of a guest that stands still as it is where it was restored on another
        host: new, with nothing of the stretches (guest address, bytes; below 2 GiB) that are left out."""
        at = 0
        for gpa, size_bytes in [*left_out, (os.fstat(self._fd).st_size, 0)]:
            for begin in range(at, gpa, CHUNK_BYTES):
                travels = os.pread(self._fd, min(CHUNK_BYTES, gpa - begin), begin)
                self._punch(begin, len(travels))
                os.pwrite(self._fd, travels, begin)
            self._punch(gpa, size_bytes)
            at = gpa + size_bytes

    def _punch(self, at: int, size_bytes: int) -> None:
        if size_bytes and LIBC.fallocate64(self._fd, PUNCH_HOLE, ctypes.c_int64(at),
                                           ctypes.c_int64(size_bytes)):
            raise Failure(f"no hole of {size_bytes} bytes at {at} of the guest's memory")

    def fileno(self) -> int:
        """The descriptor of the file, which one can write to, as the daemon has it."""
        return self._fd

    def close(self) -> None:
        os.close(self._fd)
