# SPDX-License-Identifier: BSD-3-Clause
"""Debian releases to build and install packages in, none of them this machine's.

A release is two archives, kept between runs: a root to build in, and a clean one
that has nothing but apt, and in apt's cache whatever our packages may ask for, so
that installing resolves the dependencies as it does on a real machine and fetches
nothing.
"""

import os
import subprocess
import sys
from pathlib import Path

from bed import cache, kernel, packages
from bed.failure import Failure
from bed.process import die_with_parent

# Changes whenever this recipe would make something else.
RECIPE = "2"
BUILD = ["build-essential", "debhelper", "dh-dkms", "libjansson-dev", "lintian", "meson", "pkgconf",
         "scdoc"]
# What the packages depend on, and what the tests use: a compiler, DKMS, a kernel with its headers
# (the image too, because another archive may have another build, which loads no module of this
# one), systemd's tools.
FETCHED = ["libjansson4", "gcc", "libc6-dev", "pkgconf", "dkms", kernel.HEADERS, kernel.IMAGE,
           "systemd"]
APT = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends"]


ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin", "LC_ALL": "C.UTF-8",
               "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}


def must(run, script: str) -> str:
    """What a script wrote, run by `run`; its failure is the test's."""
    done = run(script)
    if done.returncode:
        raise AssertionError(f"{script.strip()}\n{done.stdout}exit code {done.returncode}")
    return done.stdout


def _bootstrap(suite: str, target: Path, *options: str) -> None:
    archive = f"deb {packages.archive()} {suite} main"
    made = subprocess.run(
        ["mmdebstrap", "--variant=apt", "--format=tar", *options, suite, str(target), archive],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode:
        raise Failure(f"mmdebstrap failed:\n{made.stdout}")


def prepare(suite: str) -> Path:
    """The directory with build.tar and clean.tar of a release."""
    def make(directory: Path) -> None:
        print(f"fetching Debian {suite} ...", file=sys.stderr)
        _bootstrap(suite, directory / "build.tar", f"--include={','.join(BUILD)}")
        _bootstrap(suite, directory / "clean.tar", "--skip=cleanup/apt",
                   f"--customize-hook=chroot \"$1\" {' '.join(APT)} --download-only install "
                   + " ".join(FETCHED))
    return cache.entry(f"install-{suite}", RECIPE, make)


class Root:
    """An unpacked root. Commands in it see its files and their own processes alone."""

    def __init__(self, archive: Path, directory: Path):
        self.directory = directory
        directory.mkdir()
        subprocess.run(["tar", "-xf", str(archive), "-C", str(directory)], check=True)

    def at(self, path: str) -> Path:
        """Where a file of the root is from outside."""
        return self.directory / path.lstrip("/")

    def run(self, script: str) -> subprocess.CompletedProcess:
        """Run a shell script in it; standard error goes with standard output."""
        return subprocess.run(
            ["unshare", "--mount", f"--mount-proc={self.directory}/proc", "--pid", "--net", "--fork",
             "--kill-child", "chroot", str(self.directory), "bash", "-euc", script],
            env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
            preexec_fn=die_with_parent)

    def must(self, script: str) -> str:
        """What the script wrote; its failure is the test's."""
        return must(self.run, script)

    def install(self, *names: str) -> str:
        return self.must(f"{' '.join(APT)} install {' '.join(names)}")


def become_root() -> None:
    """chroot(8) and mmdebstrap's devices are root's."""
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "--preserve-env=HOME,XDG_CACHE_HOME,PATH", *sys.argv])
