# SPDX-License-Identifier: BSD-3-Clause
"""Debian packages that are only unpacked, never installed: of this machine's release, or another."""

import contextlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Iterable, Iterator

from .failure import Failure


def release() -> str:
    """The code name of the Debian that this machine runs."""
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise Failure("/etc/os-release names no release of Debian")


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


class Apt:
    """This machine's apt, or with options one that knows other releases."""

    def __init__(self, *options: str):
        self._options = options

    def update(self) -> None:
        """Fetch the lists of what there is."""
        command = ["apt-get", "-q", *self._options, "update"]
        if os.geteuid() != 0 and not self._options:
            command.insert(0, "sudo")
        # Output goes to stderr: stdout belongs to the caller's own report.
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            raise Failure(f"`{' '.join(command)}` failed")

    def depends(self, package: str) -> list[str]:
        """What the package depends on, by name. Reads apt's lists, not the network."""
        listing = subprocess.run(["apt-cache", *self._options, "depends", package],
                                 capture_output=True, text=True, check=False)
        words = (line.strip().lstrip("|").partition("Depends:") for line in
                 listing.stdout.splitlines())
        return [name.strip() for before, found, name in words if found and not before]

    def closure(self, package: str, prefixes: tuple[str, ...]) -> list[str]:
        """All that it depends on, and what that depends on, whose names begin with a prefix."""
        if not self.depends(package):
            self.update()  # there are no lists, as in a fresh container
        found: list[str] = []
        new = [package]
        while new:
            new = [name for one in new for name in self.depends(one)
                   if name.startswith(prefixes) and name not in found]
            found += new
        if not found:
            raise Failure(f"apt does not say what {package} depends on")
        return sorted(set(found))

    def unpack(self, packages: Iterable[str], into: Path) -> None:
        """Download the packages and unpack them into a directory; nothing is installed."""
        debs = into / ".debs"
        debs.mkdir()
        download = subprocess.run(["apt-get", "-q", *self._options, "download", *packages],
                                  cwd=debs, stdout=sys.stderr, check=False)
        if download.returncode:
            raise Failure("could not download " + " ".join(packages))
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(deb), str(into)], check=True)
            deb.unlink()
        debs.rmdir()


@contextlib.contextmanager
def apt(*suites: str) -> Iterator[Apt]:
    """An apt that knows these suites, and prefers the last of them."""
    if suites == (release(),):
        yield Apt()
        return
    with tempfile.TemporaryDirectory(prefix="vballoon-apt-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        for part in ("lists/partial", "cache/archives/partial"):
            (directory / part).mkdir(parents=True)
        (directory / "status").touch()
        sources = directory / "sources.list"
        sources.write_text("".join(f"deb {archive()} {suite} main\n" for suite in suites))
        settings = {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "/dev/null",
                    "Dir::State::Lists": directory / "lists", "Dir::Cache": directory / "cache",
                    "Dir::State::status": directory / "status",
                    "APT::Default-Release": suites[-1]}
        yield Apt(*(f"-o{key}={value}" for key, value in settings.items()))


def bootstrap(suites: list[str], include: list[str], into: Path, kept: tuple[str, ...] = ("",)
              ) -> None:
    """Unpack packages with all that they need, preferably of the last suite, without running
    anything of theirs. Only what lies below `kept` stays."""
    lines = [f"deb {archive()} {suite} main" for suite in suites]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            ["mmdebstrap", "--variant=extract", "--format=tar", f"--include={','.join(include)}",
             f"--aptopt=APT::Default-Release \"{suites[-1]}\"", suites[0], "-", *lines],
            stdout=subprocess.PIPE, stderr=log)
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                _extract(tar, into, kept)
        except tarfile.TarError:
            pass  # mmdebstrap has said why
        if process.stdout:
            process.stdout.close()
        if process.wait():
            log.seek(0)
            raise Failure("mmdebstrap failed:\n" + log.read())


def _extract(tar: tarfile.TarFile, into: Path, kept: tuple[str, ...]) -> None:
    for member in tar:
        member.name = member.name.removeprefix("./")
        if member.name.startswith(kept) and not member.isdev():
            tar.extract(member, into, set_attrs=member.isfile(), numeric_owner=False)
