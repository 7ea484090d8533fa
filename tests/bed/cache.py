# SPDX-License-Identifier: BSD-3-Clause
"""What was once fetched or built and is kept between runs, outside the tree."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Callable


def root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "vballoon"
    path.mkdir(parents=True, exist_ok=True)
    return path


def entry(name: str, version: str, make: Callable[[Path], None]) -> Path:
    """The directory NAME-VERSION, made by `make(directory)` when it is not there.

    It gets its name only when `make` is through, so an entry that exists is whole; a version
    that differs is another entry, and the ones that it replaces are removed.
    """
    path = root() / f"{name}-{version}"
    if path.is_dir():
        return path
    # Beside the target, so that the rename at the end stays within one file system.
    making = Path(tempfile.mkdtemp(prefix=f".making-{name}-", dir=root()))
    try:
        make(making)
        making.chmod(0o755)
        for old in root().glob(f"{name}-*"):
            shutil.rmtree(old)
        making.rename(path)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return path
