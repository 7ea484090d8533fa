# SPDX-License-Identifier: BSD-3-Clause
"""The guest's kernel: a stock one of the Debian release at hand, with what its modules take."""

import lzma
import re
import sys
from pathlib import Path

from . import cache, packages
from .failure import Failure

IMAGE = "linux-image-cloud-amd64"
HEADERS = "linux-headers-cloud-amd64"
# Changes whenever this recipe would make something else.
RECIPE = "1"


def _release() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise Failure("/etc/os-release names no release of Debian")


def _make(directory: Path) -> None:
    packages.refresh_if_unknown(IMAGE)
    image = [name for name in packages.depends(IMAGE) if name.startswith("linux-image-")]
    headers = [name for name in packages.depends(HEADERS) if name.startswith("linux-headers-")]
    # The compiler that the headers ask for is the machine's own.
    needs = [need for name in headers for need in packages.depends(name)
             if need.startswith(("linux-headers-", "linux-kbuild-"))]
    if not image or not headers:
        raise Failure(f"apt does not say what {IMAGE} and {HEADERS} depend on")
    print(f"fetching the guest's kernel, {image[0]} ...", file=sys.stderr)
    packages.unpack([*image, *headers, *needs], directory)


def _relocate(directory: Path) -> None:
    """Headers name each other by the place where they would be installed."""
    for makefile in directory.glob("usr/src/linux-headers-*/Makefile"):
        text = makefile.read_text()
        placed = re.sub(r"^include .*(/usr/src/)", rf"include {directory}\1", text, flags=re.M)
        if placed != text:
            makefile.write_text(placed)


def prepare() -> "Kernel":
    directory = cache.entry("kernel", f"{_release()}-{RECIPE}", _make)
    _relocate(directory)
    return Kernel(directory)


class Kernel:
    """An unpacked kernel."""

    def __init__(self, directory: Path):
        images = sorted(directory.glob("boot/vmlinuz-*"))
        if not images:
            raise Failure(f"no kernel in {directory}; remove it to fetch it again")
        self.image = images[-1]
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.headers = directory / "usr/src" / f"linux-headers-{self.release}"
        self._files = {self._name(path): path for path in
                       directory.glob(f"**/lib/modules/{self.release}/kernel/**/*.ko*")}

    def clears_on_allocation(self) -> bool:
        """Whether it sets memory to zero when it allocates it, unless told otherwise."""
        config = self.image.with_name(f"config-{self.release}").read_text()
        return "CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y" in config.splitlines()

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
