# SPDX-License-Identifier: BSD-3-Clause
"""The guests that are measured, and what resizing their balloons takes."""

import contextlib
import time
from typing import Any, Callable, Iterator

from bed import hugepages
from bed.balloon import RESIZE_SECONDS, Balloon
from bed.failure import Failure
from bed.guest import Guest
from bed.rig import Rig
from bed.vm import VirtualMachine

from . import host
from .row import Sample

HUGE_MIB = 2
# Options of vballoond: our driver reports free memory by itself, which would give to the host while
# a peer is measured what the peer is to give.
NO_REPORTS = ("--features", "-reporting")
NO_PAGE_REPORTS = ("--features", "-page-reporting")  # of device 5
# Of memory that was plugged, what a guest has left when it has described it to itself.
PLUGGED_SHARE = 0.9


@contextlib.contextmanager
def backing(name: str, memory_mib: int) -> Iterator[dict[str, Any]]:
    """Have the host hold what a kind of memory takes: a memfd in pages of 4 KiB, shared memory in
    huge pages, or the pool of huge pages. Gives what a Machine has to be told."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(hugepages.shmem("never"))
        if name == "thp":
            yield {"memory_in": stack.enter_context(hugepages.tmpfs())}
        elif name == "hugetlb":
            stack.enter_context(hugepages.reserved(memory_mib // HUGE_MIB))
            yield {"hugetlb": True}
        else:
            yield {}


def daemon_pids(rig: Rig) -> list[int]:
    """The daemon, and who looks out for it."""
    return [rig.daemon.pid, *host.children(rig.daemon.pid)]


class Meter:
    """Processor time of a virtual machine and of the daemon beside it."""

    def __init__(self, rig: Rig):
        self._pids = rig.vm.pid, *daemon_pids(rig)
        self._guest = [host.thread_path(rig.vm.pid, cpu["thread-id"])
                       for cpu in rig.vm.qmp.execute("query-cpus-fast")]

    def all_seconds(self) -> float:
        return sum(map(host.process_seconds, self._pids))

    def guest_seconds(self) -> float:
        """What the guest's processors have run."""
        return sum(map(host.task_seconds, self._guest))

    def sample(self, work: Callable[[], None]) -> Sample:
        """Do it, and tell what it took."""
        everything, guest = self.all_seconds(), self.guest_seconds()
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        guest = self.guest_seconds() - guest
        return Sample(seconds, self.all_seconds() - everything - guest, guest)


def huge_share(vm: VirtualMachine) -> float:
    """How much of the guest's memory the host has in huge pages of a memfd."""
    return host.huge_shared_mib(vm.pid) / vm.machine.memory_mib


def wait_total(guest: Guest, total_mib: float) -> None:
    """Wait until the guest's kernel has so much."""
    deadline = time.monotonic() + RESIZE_SECONDS
    while guest.memory_mib()["total"] < total_mib:
        if time.monotonic() > deadline:
            raise Failure(f"waited {RESIZE_SECONDS} s for the guest to have {total_mib:g} MiB")


def write_all(guest: Guest) -> None:
    """Have the guest write to all that it has free, so that the host has memory behind it."""
    guest.occupy()
    guest.release()


def deflate(guest: Guest, balloon: Balloon, total_mib: float) -> None:
    """Give all of it back, and wait until the guest's kernel has it: our device is done when it
    has handed the pages out, before the driver has freed the last of them."""
    balloon.resize(0)
    wait_total(guest, total_mib)


def take_and_give_back(rig: Rig, meter: Meter, balloon: Balloon, mib: int) -> dict[str, Sample]:
    """One round, with memory that the guest has written and the host holds."""
    total_mib = rig.guest.memory_mib()["total"]
    write_all(rig.guest)
    return {"inflate": meter.sample(lambda: balloon.resize(mib)),
            "deflate": meter.sample(lambda: deflate(rig.guest, balloon, total_mib))}
