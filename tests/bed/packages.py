# SPDX-License-Identifier: BSD-3-Clause
"""Debian packages that are only unpacked, never installed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Iterable

from .failure import Failure


def _update() -> None:
    command = ["apt-get", "-q", "update"]
    if os.geteuid() != 0:
        command.insert(0, "sudo")
    # Output goes to stderr: stdout belongs to the caller's own report.
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise Failure(f"`{' '.join(command)}` failed")


def archive() -> str:
    """The address of the Debian archive that this machine itself uses."""
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages"],
        capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        address, _, label = line.partition(" ")
        if label == "Debian":
            return address
    raise Failure("apt on this machine knows no Debian archive: is this Debian, "
                  "and did `apt-get update` run?")


def depends(package: str) -> list[str]:
    """What the package depends on, by name. Reads apt's lists, not the network."""
    listing = subprocess.run(["apt-cache", "depends", package],
                             capture_output=True, text=True, check=False)
    prefix = "Depends:"
    return [line.strip()[len(prefix):].strip() for line in listing.stdout.splitlines()
            if line.strip().startswith(prefix)]


def refresh_if_unknown(package: str) -> None:
    """Fetch apt's lists when they are missing, as they are in a fresh container."""
    if not depends(package):
        _update()
    if not depends(package):
        raise Failure(f"apt does not know {package}")


def unpack(packages: Iterable[str], into: Path) -> None:
    """Download the packages and unpack them into a directory; nothing is installed."""
    debs = into / ".debs"
    debs.mkdir()
    download = subprocess.run(["apt-get", "-q", "download", *packages],
                              cwd=debs, stdout=sys.stderr, check=False)
    if download.returncode:
        raise Failure("could not download " + " ".join(packages))
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(deb), str(into)], check=True)
        deb.unlink()
    debs.rmdir()
