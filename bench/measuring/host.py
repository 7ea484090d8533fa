# SPDX-License-Identifier: BSD-3-Clause
"""What the machine is, and who else was at work on it while something was measured."""

import contextlib
import os
import platform
import re
import resource
from pathlib import Path
from typing import Callable, Iterator

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
# Of what the processors could have done; above it a figure is not to be trusted alone.
OTHERS_SHARE = 0.1
STEAL_SHARE = 0.02


def machine() -> dict[str, str | int]:
    """What has a say in every figure, but for the guest and its monitor."""
    about = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", about, re.MULTILINE)
    return {"processor": model[1] if model else platform.machine(), "processors": os.cpu_count() or 1,
            "virtual": bool(re.search(r"^flags\s*:.* hypervisor\b", about, re.MULTILINE)),
            "kernel": platform.release().partition("-")[0]}


def task_seconds(task: Path) -> float:
    """What one thread has run, to the nanosecond."""
    return int((task / "schedstat").read_text().split()[0]) / 1e9


def thread_path(pid: int, thread: int) -> Path:
    return Path(f"/proc/{pid}/task/{thread}")


def process_seconds(pid: int) -> float:
    """What the threads of a process have run that are there."""
    return sum(task_seconds(task) for task in Path(f"/proc/{pid}/task").iterdir())


def children(pid: int) -> list[int]:
    """Processes that this one has started and that have not ended."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def huge_shared_mib(pid: int) -> float:
    """What a process has mapped of shared memory in transparent huge pages."""
    found = re.search(r"^ShmemPmdMapped: *(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(),
                      re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def own_seconds() -> float:
    """What this process and those children of it that have ended have run."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _processors() -> tuple[float, float, float]:
    """Seconds that all processors together were busy, were stolen, and have passed."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, idle, iowait, irq, softirq, steal = (int(w) * TICK_SECONDS for w in words)
    busy = user + nice + system + irq + softirq
    return busy, steal, busy + steal + idle + iowait


class Disturbance:
    """What there was of it, in words; none of them where the machine was ours."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def note(self, busy: float, steal: float, passed: float, own: float) -> None:
        others = max(0.0, busy - own) / passed
        if others > OTHERS_SHARE:
            self.words.append(f"others used {others:.0%} of the processors")
        if steal / passed > STEAL_SHARE:
            self.words.append(f"{steal / passed:.0%} of the processors were taken away")


@contextlib.contextmanager
def watched(live_seconds: Callable[[], float] = lambda: 0.0) -> Iterator[Disturbance]:
    """Watch the machine. `live_seconds` is what processes of ours have run that have not ended."""
    found = Disturbance()
    own, before = own_seconds() + live_seconds(), _processors()
    yield found
    busy, steal, passed = (after - b for after, b in zip(_processors(), before))
    found.note(busy, steal, max(passed, TICK_SECONDS), own_seconds() + live_seconds() - own)
