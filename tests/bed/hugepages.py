# SPDX-License-Identifier: BSD-3-Clause
"""Huge pages of the host, set aside for a while."""

import contextlib
from pathlib import Path
from typing import Iterator

from .failure import Skip

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


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
