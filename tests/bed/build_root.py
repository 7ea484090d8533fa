# SPDX-License-Identifier: BSD-3-Clause
"""Programs of another release of Debian, in a root of their own.

A kernel's headers bring programs that are built for its release, and ask for its compiler.
"""

import os
import sys
from pathlib import Path

from . import cache, packages

# What builds a module. The libraries are those that the kernel's own build tools take.
COMPILER = ["base-files", "bash", "coreutils", "dash", "findutils", "gcc", "grep", "libc6-dev",
            "libelf-dev", "libssl-dev", "make", "mawk", "pahole", "sed", "sparse"]
# Changes whenever this recipe would make something else.
RECIPE = "2"
# Runs in a mount namespace: $1 is the root, the paths up to "--" are shown in it as they are.
ENTER = """
root=$1; shift
while [ "$1" != -- ]; do
	mkdir -p "$root$1"
	mount --rbind "$1" "$root$1"
	shift
done
shift
exec chroot "$root" "$@"
"""


def prepare(suite: str, name: str = "compiler", wanted: list[str] = COMPILER) -> Path:
    """A root with the packages wanted, known by that name."""
    def make(directory: Path) -> None:
        print(f"fetching the {name} of Debian {suite} ...", file=sys.stderr)
        packages.bootstrap([suite], wanted, directory)
        (directory / "tmp").mkdir(exist_ok=True)
        if (directory / "usr/bin/mawk").exists():
            (directory / "usr/bin/awk").symlink_to("mawk")  # as its installation would have it

    return cache.entry(f"{name}-{suite}", RECIPE, make)


def command(root: Path, shown: list[Path], words: list[str]) -> list[str]:
    """What runs a command in the root; it sees these directories of the machine, and its devices."""
    unshare = ["unshare", "--mount"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    places = ["/proc", "/dev", *map(str, shown)]
    environment = ["env", "-i", "PATH=/usr/bin", "HOME=/", "TMPDIR=/tmp"]
    return [*unshare, "sh", "-euc", ENTER, "enter", str(root), *places, "--", *environment, *words]
