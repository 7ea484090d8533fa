# SPDX-License-Identifier: BSD-3-Clause
"""Memory pressure on the host, of the kind that hurts one process only: it reads a file that
does not fit into the memory of its control group."""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

from .failure import Skip

PSI = Path("/proc/pressure/memory")
ROOTS = ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
         (Path("/sys/fs/cgroup"), "memory.max"))
LIMIT_MIB = 20
FILE_MIB = 60
READ = """
import mmap, os, random, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
pages = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
while True:
    pages[random.randrange(len(pages) // 4096) * 4096]
"""


def _group() -> Path:
    """A control group with little memory."""
    for root, limit in ROOTS:
        group = root / f"vballoon-{os.getpid()}"
        try:
            group.mkdir()
            (group / limit).write_text(str(LIMIT_MIB << 20))
            return group
        except OSError:  # another version of control groups, or not ours to change
            with contextlib.suppress(OSError):
                group.rmdir()
    raise Skip("there is no control group for memory that could be used")


@contextlib.contextmanager
def squeezed(directory: Path) -> Iterator[None]:
    """Have a process wait for memory. @directory is on a disk."""
    if not PSI.exists():
        raise Skip("the kernel does not tell of memory pressure: it has no /proc/pressure")
    group = _group()
    try:
        with tempfile.NamedTemporaryFile(dir=directory) as file:
            file.write(bytes(FILE_MIB << 20))
            file.flush()
            os.fsync(file.fileno())
            process = subprocess.Popen(
                [sys.executable, "-c", READ, file.name],
                preexec_fn=lambda: (group / "cgroup.procs").write_text("0"))
            try:
                yield
            finally:
                process.kill()
                process.wait()
    finally:
        group.rmdir()
