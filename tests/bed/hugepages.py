# SPDX-License-Identifier: BSD-3-Clause
"""Huge pages of the host, set aside for a while."""

import contextlib
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from .failure import Skip

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
TRANSPARENT = Path("/sys/kernel/mm/transparent_hugepage")


def count(name: str) -> int:
    """What the pool says of itself: nr, free, resv or surplus pages."""
    return int((POOL / f"{name}_hugepages").read_text())


@contextlib.contextmanager
def reserved(pages: int) -> Iterator[None]:
    """Have that many more in the pool, and give them up afterwards."""
    control = POOL / "nr_hugepages"
    try:
        before = count("nr")
        control.write_text(str(before + pages))
    except OSError as error:
        raise Skip(f"huge pages cannot be reserved: {error.strerror}") from error
    try:
        if count("nr") < before + pages:
            raise Skip(f"the host has no {pages} huge pages")
        yield
    finally:
        control.write_text(str(before))


@contextlib.contextmanager
def shmem(mode: str) -> Iterator[None]:
    """Have shared memory, such as a memfd, in huge pages ("always"), where it is asked for
    ("advise"), or never, and put back what was there."""
    saved = {}
    try:
        try:
            for name, wanted in (("shmem_enabled", mode), (f"{POOL.name}/shmem_enabled", "inherit")):
                control = TRANSPARENT / name
                if not control.exists():
                    continue  # older kernels have no control for each size
                saved[control] = re.findall(r"\[(.*)\]", control.read_text())[0]
                control.write_text(wanted)
        except OSError as error:
            raise Skip(f"huge pages of shared memory cannot be set up: {error.strerror}") from error
        yield
    finally:
        for control, before in saved.items():
            control.write_text(before)


@contextlib.contextmanager
def tmpfs() -> Iterator[Path]:
    """A directory whose files are in huge pages, and have no limit. QEMU maps a memfd wherever there
    is room, which mostly is no place for a huge page; a file it aligns as it is told."""
    with tempfile.TemporaryDirectory(prefix="vballoon-huge-") as directory:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "huge=always,size=0", "vballoon",
                                  directory], capture_output=True, text=True, check=False)
        if mounted.returncode:
            raise Skip(f"a tmpfs cannot be mounted: {mounted.stderr.strip()}")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)
