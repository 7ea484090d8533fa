# SPDX-License-Identifier: BSD-3-Clause
"""The programs that measure the device alone (bench/device)."""

import json
import subprocess
from pathlib import Path
from typing import Any

from bed.failure import Failure

from . import row


def run(built: Path, name: str, *arguments: object) -> list[dict[str, Any]]:
    """The JSON lines of one program."""
    ran = subprocess.run([built / f"bench-{name}", *map(str, arguments)], capture_output=True,
                         text=True, check=False)
    if ran.returncode:
        raise Failure(f"{name} {' '.join(map(str, arguments))}: {ran.stderr.strip()}")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def medians(lines: list[dict[str, Any]], name: str) -> float:
    return row.spread(line[name] for line in lines)["median"]
