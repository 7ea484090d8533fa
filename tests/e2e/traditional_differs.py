# SPDX-License-Identifier: BSD-3-Clause
"""a random life on QEMU's own traditional balloon and on ours shows the same"""

import contextlib
import random
from concurrent.futures import ThreadPoolExecutor

from bed.failure import Failure
from bed.modules import PEER_MODULE
from bed.rig import PATTERN_SEED, RETURNED_SHARE, TOUCH_SEED, expect
from bed.traditional import Ours, Theirs
from bed.vm import Machine, VirtualMachine

MEMORY_MIB = 768
MACHINE = {"traditional": True, "memory_mib": MEMORY_MIB}
SEEDS = range(1, 4)
LARGEST_MIB = 448
LACKING_MIB = 150  # more than the kernel may have in hand to report it as free
HINTED_SHARE = 0.5  # of what is free in huge pages: the kernel names pairs of them
SLACK_MIB = 32  # of what a kernel has free: two boots are never the same to the page
SETTLES_SECONDS = 30  # the kernel waits two before each part of a report
FEATURES = "/sys/bus/virtio/devices/virtio*/features"  # a digit for each bit
# What the guest negotiates with one of the two only: docs/traditional.md says why.
EXPLAINED = {0, 34, 40}
EXPLAINED_LATER = EXPLAINED | {35}  # Linux knows it since 7


class Life:
    """What happens to one guest, and what of that can be seen from outside, or by the guest."""

    def __init__(self, side, seed):
        self._side, self.guest = side, side.vm.guest
        self._draw = random.Random(seed)
        self._target_mib = 0

    def live(self, thorough):
        """Its steps, and what was seen after each: the same steps on both sides."""
        self.guest.load(PEER_MODULE)
        for step in self._draw.sample(STEPS, len(STEPS)) if thorough else STEPS_QUICK:
            self._target_mib = self._draw.randrange(0, LARGEST_MIB + 1, 16)
            yield step.__name__, self._take(step)

    def _take(self, step):
        """What is seen after a step."""
        try:
            self._settle()
            seen = step(self)
            self._settle()
            return seen
        except Failure as failure:
            failure.add_note(f"when it came to {step.__name__} on {self._side.balloon.name}")
            raise

    def available_mib(self):
        return self.guest.memory_mib()["available"]

    def _settle(self):
        """Have the size that was asked for, and the host the memory."""
        balloon = self._side.balloon
        balloon.resize(self._target_mib)
        self._await_host_holds(self._side.vm.machine.memory_mib
                               - self._target_mib * RETURNED_SHARE)
        # After a reboot QEMU says at first that its balloon is as large as it was.
        self.guest.wait_for(f"the balloon to be {self._target_mib} MiB",
                            lambda: balloon.size_mib() == self._target_mib, SETTLES_SECONDS)

    def _await_host_holds(self, most_mib):
        memory = self._side.vm.memory
        self.guest.wait_for(f"the host to hold {most_mib:.0f} MiB of the guest's at the most",
                            lambda: memory.allocated_mib() <= most_mib, SETTLES_SECONDS)

    def _fill(self, mib, meanwhile=lambda: None):
        """Have the guest use so much, and look at every byte of it after something."""
        self.guest.fill(mib, PATTERN_SEED)
        try:
            meanwhile()
            pages, bad = self.guest.verify(PATTERN_SEED)
        finally:
            self.guest.release()
        return {"used": pages > 0, "bad": bad}

    def use(self):
        """What was reported as free, and was in the balloon, too."""
        return self._fill(self.available_mib() * 0.7)

    def lack(self):
        """It needs more than it has: the balloon lets go, and nobody is killed."""
        self._target_mib = LARGEST_MIB
        self._settle()
        seen = {}

        def look():
            seen["smaller"] = self._side.balloon.size_mib() < LARGEST_MIB

        return {**self._fill(self.available_mib() + LACKING_MIB, look), **seen}

    def tell(self):
        """What it tells of its memory is what it sees, once it has none in hand to report."""
        told = {}

        def near():
            told.update(self._side.statistics())
            seen = self.guest.memory_mib()
            return all(abs(told[f"mem-{name}"] / (1 << 20) - seen[name]) < slack
                       for name, slack in (("free", SLACK_MIB), ("available", SLACK_MIB),
                                           ("total", 0.01)))

        self.guest.wait_for("the statistics to be what the guest sees", near, SETTLES_SECONDS)
        return {"names": sorted(told)}

    def report(self):
        """What the guest no longer uses goes to the host; no balloon breaks it into pieces."""
        self._target_mib = 0
        self._settle()
        seen = self._fill(self.available_mib() * 0.5)
        self._side.vm.await_reports()
        return seen

    def hint(self):
        """Without a balloon: QEMU reads all of one when it migrates, so that it is there again."""
        self._target_mib = 0
        self._settle()

        def hint():
            self._side.hint(self.guest.free_huge_mib() * HINTED_SHARE)

        return self._fill(self.available_mib() * 0.5, hint)

    def pause(self):
        def pause():
            self._side.vm.qmp.execute("stop")
            self._side.vm.qmp.execute("cont")

        return self._fill(self.available_mib() * 0.5, pause)

    def start_over(self):
        """A reboot: the new kernel has all memory, until its driver is there."""
        self._side.vm.end_kernel("reboot")
        seen = self._fill(self.available_mib() * 0.8)
        self.guest.load(PEER_MODULE)
        return seen

    def unload(self):
        self.guest.unload(PEER_MODULE)
        pages, bad = self.guest.touch(TOUCH_SEED)
        self.guest.load(PEER_MODULE)
        return {"used": pages > 0, "bad": bad}


STEPS_QUICK = Life.lack, Life.tell, Life.hint, Life.report
STEPS = *STEPS_QUICK, Life.use, Life.pause, Life.start_over, Life.unload


def abreast(lives, thorough):
    """What each of them shows of every step, both done at the same time."""
    with ThreadPoolExecutor(len(lives)) as pool:
        steps = [life.live(thorough) for life in lives]
        while all(seen := list(pool.map(lambda step: next(step, None), steps))):
            yield seen


def have_the_same(lives, slack_mib):
    """Guests that have as much, once nothing of it is in anybody's hand."""
    seen = []

    def near():
        # What lies in the lists for each processor the kernel does not count as available.
        seen[:] = [life.guest.free_mib() for life in lives]
        return abs(seen[0] - seen[1]) < slack_mib

    try:
        lives[0].guest.wait_for("two guests to have as much memory", near, SETTLES_SECONDS)
    except Failure as failure:
        failure.add_note(f"{seen} MiB, ours first")
        raise


def features(guest):
    return {bit for bit, digit in enumerate(guest.ask(f"read {FEATURES}")) if digit == "1"}


@contextlib.contextmanager
def peer(rig):
    """A machine like the rig's with QEMU's own balloon."""
    machine = Machine(memory_mib=MEMORY_MIB, arguments=Theirs.arguments,
                      kernel_parameters=rig.vm.machine.kernel_parameters)
    with VirtualMachine(rig.assets, machine) as vm:
        vm.boot()
        yield vm


def run(rig):
    # A kernel that finds mistakes keeps what was freed for a while.
    slack_mib = SLACK_MIB * rig.assets.kernel.patience()
    with peer(rig) as vm:
        for guest in (rig.guest, vm.guest):
            guest.load(PEER_MODULE)
        different = features(rig.guest) ^ features(vm.guest)
        expect(different in (EXPLAINED, EXPLAINED_LATER),
               f"feature bits {EXPLAINED} to differ: {different}")
        for seed in SEEDS if rig.thorough else SEEDS[:1]:
            lives = [Life(side, seed) for side in (Ours(rig.vm, rig.daemon), Theirs(vm))]
            for (step, ours), (_, theirs) in abreast(lives, rig.thorough):
                expect(ours == theirs, f"seed {seed}, {step}, to be the same: {ours}, and {theirs} "
                       "with QEMU's own")
                expect(not ours.get("bad"), f"seed {seed}, {step}, to spoil nothing: {ours}")
                have_the_same(lives, slack_mib)
        vm.check_kernel()
