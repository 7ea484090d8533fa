# SPDX-License-Identifier: BSD-3-Clause
"""Builds the programs that measure the device alone."""

import subprocess
import sys
from pathlib import Path

from bed.failure import Failure

NAMES = ("entries", "machines", "runs", "scattered", "steps", "untouched")


def programs(tree: Path) -> Path:
    """Build them as they are shipped, with optimisation. Returns the directory."""
    folder = tree / "build-bench"
    commands = [["ninja", "-C", folder, *(f"bench/device/bench-{name}" for name in NAMES)]]
    if not (folder / "build.ninja").exists():
        print("building what measures the device alone ...", file=sys.stderr)
        commands.insert(0, ["meson", "setup", folder, tree])
    for command in commands:
        ran = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if ran.returncode:
            raise Failure(f"what measures the device alone does not build:\n{ran.stdout}")
    return folder / "bench" / "device"
