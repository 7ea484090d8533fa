# SPDX-License-Identifier: BSD-3-Clause
"""The guest's whole file system: its init and a few modules, as a cpio archive."""

import subprocess
from pathlib import Path

from .failure import Failure

SOURCES = Path(__file__).parent / "guest"
_DIRECTORY, _FILE, _CONSOLE = 0o040755, 0o100755, 0o020600


def build_init(to: Path) -> None:
    """Compile the guest's init into the file `to`, unless it is newer than its sources."""
    sources = sorted(SOURCES.glob("*.c"))
    newest = max(path.stat().st_mtime for path in SOURCES.iterdir())
    if to.exists() and to.stat().st_mtime > newest:
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    compiled = subprocess.run(
        ["gcc", "-static", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror",
         "-D_GNU_SOURCE", "-o", str(to), *map(str, sources)],
        capture_output=True, text=True, check=False)
    if compiled.returncode:
        raise Failure("the guest's init does not compile:\n" + compiled.stderr)


def _member(index: int, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
            ) -> bytes:
    """One member of a "newc" archive: thirteen hexadecimal fields, the name, the data."""
    fields = (index, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return _padded(header) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def pack(files: dict[str, bytes]) -> bytes:
    """The archive that holds {path: contents}, its directories and a console for the kernel."""
    directories = {"dev"}
    for path in files:
        parts = path.split("/")[:-1]
        directories.update("/".join(parts[:end + 1]) for end in range(len(parts)))
    members = [(name, _DIRECTORY, b"", (0, 0)) for name in sorted(directories)]
    members.append(("dev/console", _CONSOLE, b"", (5, 1)))
    members.extend((name, _FILE, data, (0, 0)) for name, data in files.items())
    members.append(("TRAILER!!!", 0, b"", (0, 0)))
    return b"".join(_member(index, *member) for index, member in enumerate(members, start=1))
