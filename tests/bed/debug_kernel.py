# SPDX-License-Identifier: BSD-3-Clause
"""A kernel that looks for mistakes while it runs: KASAN, lockdep, kmemleak and the like, built from
Debian's own source with as little else as a guest of the bed can do with (debug.config)."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from . import packages
from .failure import Failure

CONFIG = Path(__file__).with_name("debug.config")
# Changes whenever this recipe would make something else.
RECIPE = "1"
# What a module that is built for it takes of a source that has been built.
KEPT = ("Makefile", ".config", "Module.symvers", "arch/x86", "include", "scripts", "tools/objtool")
# So that the same source makes the same kernel.
FIXED = {"KBUILD_BUILD_TIMESTAMP": "1970-01-01", "KBUILD_BUILD_USER": "bed",
         "KBUILD_BUILD_HOST": "bed"}


def version() -> str:
    """Of what would be built now."""
    return f"{RECIPE}-{hashlib.sha256(CONFIG.read_bytes()).hexdigest()[:8]}"


def make(source: str, into: Path) -> None:
    """Build the kernel of a Debian package such as linux-source-6.1; lay it out as Debian does."""
    print(f"building a kernel that finds mistakes, from {source}: this takes minutes ...",
          file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="vballoon-kernel-") as name:
        tree = _unpack(source, Path(name))
        _configure(tree)
        _run(tree, "nice", "make", "-s", f"-j{os.cpu_count()}", "bzImage", "modules")
        _lay_out(tree, into)


def _unpack(source: str, directory: Path) -> Path:
    directory.chmod(0o755)  # apt downloads as somebody else
    packages.Apt().unpack([source], directory)
    with tarfile.open(directory / "usr/src" / f"{source}.tar.xz", mode="r|xz") as tar:
        tar.extractall(directory)
    return directory / source


def _run(tree: Path, *command: str) -> str:
    ran = subprocess.run(command, cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False,
                         env={**os.environ, **FIXED})
    if ran.returncode:
        raise Failure(f"`{' '.join(command)}` failed:\n{ran.stderr[-4000:]}")
    return ran.stdout


def _configure(tree: Path) -> None:
    """What the file asks for, all of it, and nothing else."""
    _run(tree, "make", "-s", "allnoconfig", f"KCONFIG_ALLCONFIG={CONFIG}")
    got = set((tree / ".config").read_text().splitlines())
    lost = [line for line in CONFIG.read_text().splitlines()
            if line.startswith("CONFIG_") and line not in got]
    if lost:
        raise Failure(f"a kernel cannot be made as {CONFIG.name} says: {', '.join(lost)}")


def _lay_out(tree: Path, into: Path) -> None:
    release = _run(tree, "make", "-s", "kernelrelease").strip()
    headers = into / "usr/src" / f"linux-headers-{release}"
    modules = into / "usr/lib/modules" / release / "kernel"
    (into / "boot").mkdir()
    shutil.copy(tree / "arch/x86/boot/bzImage", into / "boot" / f"vmlinuz-{release}")
    modules.mkdir(parents=True)
    for module in tree.glob("drivers/**/*.ko"):
        shutil.copy(module, modules)
    for name in KEPT:
        (headers / name).parent.mkdir(parents=True, exist_ok=True)
        if (tree / name).is_dir():
            shutil.copytree(tree / name, headers / name, symlinks=True,
                            ignore=shutil.ignore_patterns("*.o", "*.a", "*.cmd"))
        else:
            shutil.copy(tree / name, headers / name)
