# SPDX-License-Identifier: BSD-3-Clause
"""Builds what is tested: the daemon, its command line, the guest's module."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .failure import Failure
from .kernel import Kernel

TREE = Path(__file__).resolve().parents[2]
OUT = TREE / "build-bed"


@dataclass(frozen=True)
class Built:
    """Where what was built lies."""

    vballoond: Path
    vballoonctl: Path
    module: Path
    guest_modules: dict[str, Path]  # others, by name: they do what nobody else would


def _run(what: str, *command: str | Path) -> None:
    ran = subprocess.run([str(word) for word in command], cwd=TREE, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        raise Failure(f"{what} does not build:\n{ran.stdout}")


def _run_kernel(kernel: Kernel, script: str, *arguments: str) -> None:
    OUT.mkdir(exist_ok=True)
    words = ["sh", "-euc", "cd $0; exec \"$@\"", str(TREE), script, *arguments]
    _run(f"the module for Linux {kernel.release}", *kernel.build_command(words, [TREE]))


def check_module(kernel: Kernel) -> None:
    """The module builds without a warning of the compiler's or of sparse's."""
    _run_kernel(kernel, "scripts/check-kernel.sh", str(kernel.headers))


def build(kernel: Kernel) -> Built:
    """Build everything that has changed."""
    host = OUT / "host"
    if not (host / "build.ninja").exists():
        print("building vballoond and the guest's module ...", file=sys.stderr)
        _run("vballoond", "meson", "setup", host, "-Dtests=false")
    _run("vballoond", "ninja", "-C", host)
    module = OUT / f"module-{kernel.release}"
    _run_kernel(kernel, "scripts/kernel-build.sh", str(kernel.headers), str(module))
    own = OUT / f"guest-modules-{kernel.release}"
    shutil.copytree(TREE / "tests/bed/guest_modules", own, dirs_exist_ok=True)
    make = ["make", "-s", f"-j{os.cpu_count()}", "-C", str(kernel.headers), f"M={own}",
            "CONFIG_DEBUG_INFO_BTF_MODULES="]
    _run(f"the other modules for Linux {kernel.release}",
         *kernel.build_command([*make, "modules"], [TREE]))
    others = {path.stem: path for path in own.glob("*.ko") if path.with_suffix(".c").exists()}
    return Built(host / "src/daemon/vballoond", host / "src/cli/vballoonctl",
                 module / "virtio_memory_balloon.ko", others)
