# SPDX-License-Identifier: BSD-3-Clause
"""The guest's kernel: a stock one of Debian, with what its modules take."""

import argparse
import lzma
import re
import sys
from pathlib import Path

from . import build_root, cache, debug_kernel, packages
from .failure import Failure

# What --kernel takes, and the suites that have it: the release, and where else to look.
VERSIONS = {
    "6.1": ["bookworm"],
    "6.12": ["trixie"],
    "7": ["trixie", "trixie-backports"],
}
# One that finds mistakes while it runs, of the machine's own release.
DEBUG = "debug"
IMAGE = "linux-image-cloud-amd64"
HEADERS = "linux-headers-cloud-amd64"
# Parts of a kernel, as the packages that these two depend on are named.
PARTS = ("linux-image-", "linux-binary-", "linux-modules-", "linux-base-", "linux-headers-",
         "linux-kbuild-")
# Changes whenever this recipe would make something else.
RECIPE = "2"


def default() -> str:
    """The kernel of the machine's own release."""
    for version, suites in VERSIONS.items():
        if suites == [packages.release()]:
            return version
    raise Failure(f"there is no kernel of Debian {packages.release()}: choose one with --kernel")


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", choices=[*VERSIONS, DEBUG], default="",
                        help="the guest's kernel; else that of the machine's own release of Debian; "
                        "debug: one that finds mistakes while it runs, built for the purpose")


def _fetch(suites: list[str], directory: Path) -> None:
    with packages.apt(*suites) as apt:
        names = {name for package in (IMAGE, HEADERS) for name in apt.closure(package, PARTS)
                 if not name.endswith(("-unsigned", "cloud-amd64-dbg"))}
        image = next((name for name in sorted(names) if name.startswith("linux-image-")), IMAGE)
        print(f"fetching the guest's kernel, {image} ...", file=sys.stderr)
        apt.unpack(sorted(names), directory)


def _relocate(directory: Path) -> None:
    """Headers name each other by the place where they would be installed."""
    for makefile in directory.glob("usr/src/linux-headers-*/Makefile"):
        text = makefile.read_text()
        placed = re.sub(r"(?<=[ =])\S*(?=/usr/src/)", str(directory), text)
        if placed != text:
            makefile.write_text(placed)


def prepare(version: str = "") -> "Kernel":
    """The kernel of that version, else the one of the machine's own release."""
    if version == DEBUG:
        source = f"linux-source-{default()}"
        directory = cache.entry("kernel-debug", debug_kernel.version(),
                                lambda made: debug_kernel.make(source, made))
        return Kernel(directory, packages.release())
    version = version or default()
    suites = VERSIONS[version]
    directory = cache.entry(f"kernel-{version}", RECIPE, lambda made: _fetch(suites, made))
    _relocate(directory)
    return Kernel(directory, suites[0])


class Kernel:
    """An unpacked kernel, of a release of Debian."""

    def __init__(self, directory: Path, release: str):
        headers = [path for path in directory.glob("usr/src/linux-headers-*")
                   if not path.name.endswith("-common")]
        if not headers:
            raise Failure(f"no kernel in {directory}; remove it to fetch it again")
        self._directory = directory
        self._debian = release
        self.headers = headers[0]
        self.release = self.headers.name.removeprefix("linux-headers-")
        # From 7 on it lies beside its modules.
        places = "boot/vmlinuz-" + self.release, f"usr/lib/modules/{self.release}/vmlinuz"
        self.image = next(directory / place for place in places if (directory / place).exists())
        self._files = {self._name(path): path for path in
                       directory.glob(f"**/lib/modules/{self.release}/kernel/**/*.ko*")}

    def build_command(self, words: list[str], shown: list[Path]) -> list[str]:
        """What runs a command with the compiler of its release; all that it reads and writes is
        in the directories `shown`."""
        if self._debian == packages.release():
            return words
        root = build_root.prepare(self._debian)
        return build_root.command(root, [self._directory, *shown], words)

    def clears_on_allocation(self) -> bool:
        """Whether it sets memory to zero when it allocates it, unless told otherwise."""
        return self.is_set("INIT_ON_ALLOC_DEFAULT_ON")

    def moves_balloon(self) -> bool:
        """Whether the module lets it move what is in the balloon (kernel/compat.h)."""
        major, minor = self.release.split(".")[:2]
        return not (6, 17) <= (int(major), int(minor)) < (7, 0)

    def looks_for_mistakes(self) -> bool:
        """Whether it is the one that was built for that: it takes its time."""
        return self.is_set("KASAN")

    def finds_leaks(self) -> bool:
        """Whether it can be asked what of its memory nobody knows of any more."""
        return self.is_set("DEBUG_KMEMLEAK")

    def patience(self) -> int:
        """How many times as long it takes for anything."""
        return 6 if self.looks_for_mistakes() else 1

    def own_mib(self) -> int:
        """How much more memory it needs for itself than a stock one."""
        return 192 if self.looks_for_mistakes() else 0

    def holds_back_mib(self) -> int:
        """How much of its own objects that were freed it may keep, to notice who still uses them: a
        32nd of memory."""
        return 28 if self.looks_for_mistakes() else 0

    def is_set(self, option: str) -> bool:
        """Whether the kernel was built with it."""
        return f"CONFIG_{option}=y" in (self.headers / ".config").read_text().splitlines()

    @staticmethod
    def _name(path: Path) -> str:
        return path.name.partition(".ko")[0].replace("-", "_")

    def module(self, name: str) -> bytes | None:
        """A module of the kernel, not compressed; None when it is built in."""
        path = self._files.get(name)
        if not path:
            return None
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data
