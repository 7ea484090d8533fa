# SPDX-License-Identifier: BSD-3-Clause
"""A balloon of vballoond and QEMU's own in one guest, that take memory and give it back in turns."""

import contextlib
from dataclasses import dataclass
from typing import Any, Iterator

from bed.assets import Assets
from bed.balloon import OwnBalloon, PeerBalloon
from bed.failure import Failure, Skip
from bed.rig import Rig
from bed.vm import Machine

from . import guests, host, row
from .program import Effort, skipped
from .row import Sample

# Of the guest, and what is taken. With --quick less of it: most of the time goes to QEMU's own
# balloon, and to the guest that writes to it all before each round.
SIZES_MIB = 2048, 1536
QUICK_SIZES_MIB = 1536, 1024
WORKS = ("inflate", "deflate")
HUGE_SHARE = 0.95


@dataclass(frozen=True)
class Case:
    """A guest, and how many times as fast as QEMU's own balloon ours should be in it."""

    backing: str
    init_on_alloc: int
    inflate: float | None
    deflate: float | None
    quick: int = 5  # pairs; 0: left out with --quick
    traditional: bool = False  # device 5, which the guest's own driver drives
    host_cpu: float | None = None  # times less of it that the host takes to inflate

    def words(self, work: str) -> str:
        device = "device 5: " if self.traditional else ""
        return f"{device}{work}, {self.backing}, init_on_alloc={self.init_on_alloc}"


def in_turns(rig: Rig, pairs: int, mib: int) -> tuple[list[dict], list[dict]]:
    own, peer = OwnBalloon(rig.daemon, rig.driver), PeerBalloon(rig.vm)
    rig.guest.load(own.driver)
    rig.guest.load(peer.driver)
    meter = guests.Meter(rig)
    rounds = [[guests.take_and_give_back(rig, meter, balloon, mib) for balloon in (own, peer)]
              for _ in range(pairs)]
    rig.check_kernel()
    return [pair[0] for pair in rounds], [pair[1] for pair in rounds]


def check_pages(case: Case, rig: Rig) -> None:
    """The memory is in the pages that it should be in."""
    share = guests.huge_share(rig.vm)
    if share < HUGE_SHARE if case.backing == "thp" else share > 0:
        raise Failure(f"{share:.0%} of the guest's memory are in huge pages")


def host_cpu(case: Case, own: list[Sample], peer: list[Sample]) -> dict[str, Any]:
    """What the host takes beside the guest's processors."""
    found = row.ratios([theirs.host_cpu_seconds / ours.host_cpu_seconds
                        for ours, theirs in zip(own, peer)])
    return row.judged({"work": f"{case.words('inflate')}, processor time of the host",
                       "own_seconds": row.summary(own)["host_cpu_seconds"],
                       "peer_seconds": row.summary(peer)["host_cpu_seconds"],
                       **found, "unit": "times less than QEMU's own balloon"}, case.host_cpu)


def measure(case: Case, assets: Assets, pairs: int, guest_mib: int, mib: int
            ) -> Iterator[dict[str, Any]]:
    reports = guests.NO_PAGE_REPORTS if case.traditional else guests.NO_REPORTS
    with contextlib.ExitStack() as stack:
        memory = stack.enter_context(guests.backing(case.backing, guest_mib))
        machine = Machine(memory_mib=guest_mib, prealloc=True, peer=True, **memory,
                          traditional=case.traditional,
                          kernel_parameters=[f"init_on_alloc={case.init_on_alloc}"])
        rig = stack.enter_context(Rig(assets, machine, *reports))
        check_pages(case, rig)
        with host.watched(guests.Meter(rig).all_seconds) as noise:
            own, peer = in_turns(rig, pairs, mib)
    sides = {work: ([ours[work] for ours in own], [theirs[work] for theirs in peer])
             for work in WORKS}
    for work in WORKS:
        found = row.compare(case.words(work), *sides[work], getattr(case, work),
                            against="QEMU's own balloon", backing=case.backing,
                            init_on_alloc=case.init_on_alloc, mib=mib,
                            guest_mib=guest_mib, accel=assets.accel.name,
                            kernel=assets.kernel.release)
        yield row.disturbed(found, noise.words)
    if case.host_cpu:
        yield row.disturbed(host_cpu(case, *sides["inflate"]), noise.words)


def each(cases: tuple[Case, ...], assets: Assets, effort: Effort) -> Iterator[dict[str, Any]]:
    """The rows of all cases; one that this machine cannot have says so."""
    sizes = QUICK_SIZES_MIB if effort.quick else SIZES_MIB
    for case in cases:
        pairs = effort.rounds(case.quick, 7)
        try:
            if pairs:
                yield from measure(case, assets, pairs, *sizes)
        except Skip as reason:
            yield skipped(case.words("inflate and deflate"), reason)
