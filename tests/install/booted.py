# SPDX-License-Identifier: BSD-3-Clause
"""A root whose own systemd runs as its first process, in namespaces of its own."""

import contextlib
import subprocess
import time
from pathlib import Path

from bed.failure import Failure
from bed.process import Process, tail
from roots import ENVIRONMENT, Root, must

BOOT_SECONDS = 120
DEVICES = {"null": "1 3", "zero": "1 5", "full": "1 7", "random": "1 8", "urandom": "1 9",
           "tty": "5 0"}
# What a container's manager prepares; then the root becomes the only one.
PREPARE = """
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
{nodes}
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -o remount,bind,ro sys
pivot_root . .
umount -l .
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \\
	--log-target=console </dev/null
"""


def _cgroups() -> Path:
    """Where the host's kernel has the groups that systemd needs."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise Failure("no cgroup2 is mounted: systemd cannot be tried")


class Booted:
    """A root that has booted. Use it in a `with`: whatever happens, all of it ends."""

    def __init__(self, root: Root):
        self._root = root
        self._group = _cgroups() / f"vballoon-{root.directory.parent.name}"
        self._log = root.directory.parent / "systemd.log"

    def __enter__(self) -> "Booted":
        self._group.mkdir()
        nodes = "\n".join(f"mknod -m 666 dev/{name} c {numbers}" for name, numbers in DEVICES.items())
        enter = f'echo $$ >"{self._group}/cgroup.procs"; exec unshare --mount --pid --net --cgroup ' \
            '--uts --ipc --fork --kill-child bash -euc "$0" boot "$1"'
        self._process = Process(
            "systemd", ["bash", "-euc", enter, PREPARE.format(nodes=nodes), str(self._root.directory)],
            self._log)
        try:
            self._await_boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _first_process(self) -> str:
        """The number of systemd here: the only child of unshare."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return children.read_text().split()[0]

    def run(self, script: str) -> subprocess.CompletedProcess:
        """Run a shell script beside systemd; standard error goes with standard output."""
        return subprocess.run(
            ["nsenter", "--target", self._first_process(), "--mount", "--pid", "--net", "--uts",
             "--ipc", "--cgroup", "bash", "-euc", f"cd /srv\n{script}"],
            cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False)

    def must(self, script: str) -> str:
        """What the script wrote; its failure is the test's."""
        return must(self.run, script)

    def _await_boot(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        state = ""
        while state not in ("running", "degraded"):  # a container misses some devices
            if time.monotonic() > deadline:
                raise Failure(f"systemd does not come up: {state}\n{tail(self._log)}")
            self._process.check()
            time.sleep(0.1)
            try:
                state = self.run("systemctl is-system-running --wait").stdout.strip()
            except (IndexError, OSError):
                pass  # not yet forked

    def __exit__(self, kind=None, error=None, trace=None) -> None:
        if isinstance(error, Exception):  # not when told to end
            with contextlib.suppress(IndexError, OSError):  # systemd has ended
                error.add_note(self.run("journalctl --no-pager --no-hostname -n 40").stdout)
        self._process.kill()
        # The groups empty when the last of the processes has gone, innermost first.
        deadline = time.monotonic() + BOOT_SECONDS
        groups = sorted(self._group.rglob("*/"), key=lambda path: -len(path.parts))
        for group in [*groups, self._group]:
            while True:
                try:
                    group.rmdir()
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)
