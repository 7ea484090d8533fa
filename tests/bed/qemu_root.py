# SPDX-License-Identifier: BSD-3-Clause
"""QEMU as Debian ships it, unpacked and never installed, run with its own C library.

A device of any virtio ID over vhost-user takes QEMU 10.2 or later; Debian has one in the
backports of trixie, and its libraries come along, so that the machine's own release does not
matter.
"""

import subprocess
import sys
from pathlib import Path

from . import cache, packages
from .failure import Failure

SUITE = "trixie"
# Changes whenever this recipe would make something else.
RECIPE = "2"
# All that running QEMU takes; the rest of the root is left behind.
KEPT = ("usr/bin/qemu-system-x86_64", "usr/lib/x86_64-linux-gnu/", "usr/lib64/",
        "usr/share/qemu/", "usr/share/seabios/", "var/lib/dpkg/status")


def _make(directory: Path) -> None:
    print(f"fetching QEMU from Debian {SUITE}-backports ...", file=sys.stderr)
    packages.bootstrap([SUITE, f"{SUITE}-backports"], ["qemu-system-x86"], directory, KEPT)
    if not (directory / KEPT[0]).exists():
        raise Failure(f"the archive gave no {KEPT[0]}")


def prepare() -> "QemuRoot":
    return QemuRoot(cache.entry("qemu-system", f"{SUITE}-{RECIPE}", _make))


class QemuRoot:
    """An unpacked QEMU."""

    def __init__(self, root: Path):
        self.root = root

    def command(self) -> list[str]:
        """What starts QEMU, before its arguments."""
        return [str(self.root / "usr/lib64/ld-linux-x86-64.so.2"),
                "--library-path", str(self.root / "usr/lib/x86_64-linux-gnu"),
                str(self.root / "usr/bin/qemu-system-x86_64"),
                "-L", str(self.root / "usr/share/qemu"),
                "-L", str(self.root / "usr/share/seabios")]

    def version(self) -> str:
        shown = subprocess.run([*self.command(), "--version"],
                               capture_output=True, text=True, check=False)
        if shown.returncode:
            raise Failure(f"QEMU does not start: {shown.stderr.strip()}; "
                          f"remove {self.root} to fetch it again")
        return shown.stdout.split()[3]
