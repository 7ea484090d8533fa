# SPDX-License-Identifier: BSD-3-Clause
"""What a balloon does to a guest and to its host, measured."""

import time
from dataclasses import dataclass

from .balloon import Balloon
from .failure import Failure
from .vm import VirtualMachine
from .watch import Watch

ROUNDS = 10
PATTERN_SEED = 1
TOUCH_SEED = 2
# Of the memory that a full balloon leaves free.
PATTERN_SHARE = 0.85


@dataclass(frozen=True)
class Move:
    """Memory taken from a guest once and given back."""

    inflate_seconds: float
    host_returned_mib: float
    guest_free_drop_mib: float
    guest_left_mib: float  # free while the balloon was full
    deflate_seconds: float


def move(vm: VirtualMachine, balloon: Balloon, target_mib: int) -> Move:
    """Inflate to the target and deflate to nothing, showing it. The balloon is empty before."""
    print(f"{balloon.name} takes {target_mib} MiB,", flush=True)
    with Watch(vm) as watch:
        began = time.monotonic()
        balloon.resize(target_mib)
        inflate_seconds = time.monotonic() - began
    before, full = watch.samples[0], watch.samples[-1]
    print("and gives them back,", flush=True)
    began = time.monotonic()
    balloon.resize(0)
    deflate_seconds = time.monotonic() - began
    watch.sample()
    return Move(inflate_seconds, before.host_mib - full.host_mib,
                before.guest_free_mib - full.guest_free_mib, full.guest_free_mib, deflate_seconds)


@dataclass(frozen=True)
class Integrity:
    """What became of the guest's own memory meanwhile."""

    least_returned_mib: float  # of all rounds: what the host had, beside a full balloon
    held_pages: int  # with a pattern, through all rounds
    held_bad_pages: int
    touched_pages: int  # written and read at the end, those that came back among them
    touched_bad_pages: int

    def intact(self) -> bool:
        return not self.held_bad_pages and not self.touched_bad_pages


def integrity(vm: VirtualMachine, balloon: Balloon, target_mib: int, left_mib: float,
              rounds: int = ROUNDS) -> Integrity:
    """Hold most of what the full balloon leaves, and look at it after many rounds."""
    vm.guest.fill(left_mib * PATTERN_SHARE, PATTERN_SEED)
    print("  round", end="", flush=True)
    least_returned_mib = float(target_mib)
    for done in range(1, rounds + 1):
        balloon.resize(target_mib)
        returned_mib = vm.machine.memory_mib - vm.memory.allocated_mib()
        least_returned_mib = min(least_returned_mib, returned_mib)
        balloon.resize(0)
        print(f" {done}", end="", flush=True)
    print()
    held_pages, held_bad = vm.guest.verify(PATTERN_SEED)
    vm.guest.release()
    touched_pages, touched_bad = vm.guest.touch(TOUCH_SEED)
    if not held_pages or not touched_pages:
        raise Failure("the guest held no memory: that proves nothing")
    return Integrity(least_returned_mib, held_pages, held_bad, touched_pages, touched_bad)
