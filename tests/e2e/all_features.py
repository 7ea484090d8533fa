# SPDX-License-Identifier: BSD-3-Clause
"""a driver that is offered every feature reports, pushes, says why, and clears memory for unplugging"""

import time

from bed.crooked_device import ASK_STATS, RESIZE
from bed.modules import BALLOON_MODULE
from bed.rig import HELD_PAGES, PATTERN_SEED, expect, served
from bed.willing_device import ASK_REPORT, WillingDevice

GUESTS_OF_THEIR_OWN = True
OWN_MACHINE = {"memory_mib": 768, "pluggable_mib": 512,
               "kernel_parameters": ["init_on_alloc=0", "memhp_default_state=online"]}
SYSFS = HELD_PAGES.rpartition("/")[0]
PUSHES = 5
PUSH_SECONDS_MIN = 0.2  # the least period is 250 ms; two messages may be read late and early
SAME_PERIOD = 0xffffffff
SOME_US, FULL_US = 123456, 7890
FREED_MIB = 400
REPORTED_SHARE = 0.9
ROUND_SECONDS = 5  # a busy machine that emulates the guest
BALLOON_PAGES = 256 << 8
SOON_SECONDS = 4  # much less than it would be spared by itself
LACKING_MIB = 100
PLUGGED_MIB = 512
BLOCK_MIB = 128
BLOCK_PAGES = BLOCK_MIB << 8
# QEMU puts memory that is plugged into so small a machine at 4 GiB.
PLUGGED_BLOCK = 4096 // BLOCK_MIB
LARGE_PAGES = 960 << 8


def pushing(device, guest):
    """Statistics come by themselves, as often as asked but no more than four times a second."""
    device.ask(ASK_STATS, value=1, flags=1)
    guest.wait_for("pushed statistics", lambda: len(device.pushed) >= PUSHES)
    device.ask(ASK_STATS, value=SAME_PERIOD, flags=2)
    times = [when for when, _ in device.pushed]
    gap = min(late - early for early, late in zip(times, times[1:]))
    expect(gap > PUSH_SECONDS_MIN, f"no two reports within {PUSH_SECONDS_MIN} s: {gap:.3f}")
    expect(68 not in device.pushed[-1][1], "no pressure that nobody has told of")
    guest.ask(f"write {SYSFS}/memory_pressure some avg10=0.10 total={SOME_US} full total={FULL_US}")
    guest.wait_for("the pressure", lambda: device.pushed[-1][1].get(68) == SOME_US)
    expect(device.pushed[-1][1][69] == FULL_US, f"{FULL_US} us of full pressure")
    device.ask(ASK_STATS, value=0, flags=3)
    time.sleep(0.5)  # one may be on its way
    pushed = len(device.pushed)
    time.sleep(1)
    expect(len(device.pushed) == pushed, "no statistics once they are not wanted")


def reporting(device, vm):
    """What the guest frees the host has, at once when it asks for it."""
    vm.guest.fill(FREED_MIB, PATTERN_SEED)
    before_mib = vm.memory.allocated_mib()
    vm.guest.release()
    began = time.monotonic()
    device.ask(ASK_REPORT, value=7)
    vm.guest.wait_for("the round", lambda: 7 in device.rounds)
    seconds = device.rounds[7] - began
    back_mib = before_mib - vm.memory.allocated_mib()
    print(f"    {back_mib:.0f} of {FREED_MIB} MiB reported in {seconds:.3f} s")
    expect(back_mib >= FREED_MIB * REPORTED_SHARE, f"{FREED_MIB} MiB back: {back_mib:.0f}")
    expect(seconds < ROUND_SECONDS, f"a round within {ROUND_SECONDS} s: {seconds:.1f}")
    pages, bad = vm.guest.touch(1)
    expect(bad == 0, f"{pages} pages to keep what is written: {bad} did not")


def lacking(device, guest):
    """Who is short of memory says so."""
    device.ask(RESIZE, BALLOON_PAGES)
    guest.wait_for("a balloon", lambda: device.held() == BALLOON_PAGES)
    device.reasons.clear()
    guest.fill(guest.memory_mib()["available"] + LACKING_MIB, PATTERN_SEED)
    state = guest.ask(f"read {SYSFS}/state")  # for ten seconds, in which not every machine can verify
    pages, bad = guest.verify(PATTERN_SEED)
    expect(bad == 0, f"{pages} pages to be intact: {bad} are not")
    guest.release()
    expect({1, 2} & set(device.reasons) and 0 not in device.reasons,
           f"memory to be asked for because there is none: {device.reasons}")
    expect(state == "sparing", f"the guest to be spared: {state}")


def unplugging(device, vm):
    """Memory with balloon pages can go."""
    guest = vm.guest
    # Asked for again, it is there at once, and does not grow while the memory comes.
    device.ask(RESIZE, BALLOON_PAGES)
    guest.wait_for("a balloon as before", lambda: device.held() == BALLOON_PAGES)
    guest.wait_for("the guest no longer to be spared",
                   lambda: guest.ask(f"read {SYSFS}/state") == "running", SOON_SECONDS)
    total_mib = guest.memory_mib()["total"]
    vm.plug(PLUGGED_MIB)
    guest.wait_for("the guest to use new memory",
                   lambda: guest.memory_mib()["total"] > total_mib + PLUGGED_MIB - 1)
    device.ask(RESIZE, LARGE_PAGES)
    guest.wait_for("a large balloon", lambda: device.held() == LARGE_PAGES)

    def held_in(block):
        first = block * BLOCK_MIB << 8
        end = first + BLOCK_PAGES
        with device.lock:
            return sum(max(0, min(end, page + pages) - max(first, page))
                       for page, pages in device.runs)

    # Where the kernel itself has put something, Linux 7 may try for ever.
    blocks = range(PLUGGED_BLOCK, PLUGGED_BLOCK + PLUGGED_MIB // BLOCK_MIB)
    full = [block for block in blocks if held_in(block) == BLOCK_PAGES]
    expect(full, f"a block full of the balloon: {[held_in(block) for block in blocks]}")
    for block in full:
        guest.ask(f"write /sys/devices/system/memory/memory{block}/state offline")
        expect(held_in(block) == 0, f"no page in memory that is offline: {held_in(block)}")
    expect(device.taken_pages > 0, "pages to be taken out of the balloon")
    guest.wait_for("both accounts to agree",
                   lambda: device.held() == int(guest.ask(f"read {HELD_PAGES}")))
    print(f"    {device.taken_pages} pages were in the way, {device.held()} are held")


# Proves DRV-EXCHANGE-2, DRV-EXCHANGE-4, DRV-PUSH-1, DRV-PUSH-2, DRV-PUSH-3, DRV-REASON-2,
# DRV-REPORT-1, DRV-REPORT-6, DRV-REPORT-7.
def run(assets):
    with served(assets, WillingDevice(), **OWN_MACHINE) as (device, vm):
        vm.guest.load(BALLOON_MODULE)
        vm.guest.wait_for("the driver", lambda: device._epoch)
        pushing(device, vm.guest)
        reporting(device, vm)
        lacking(device, vm.guest)
        unplugging(device, vm)
        device.ask(RESIZE, 0)
        vm.guest.wait_for("an empty balloon", lambda: device.held() == 0)
        pages, bad = vm.guest.touch(1)
        expect(bad == 0, f"{pages} pages to keep what is written: {bad} did not")
        vm.check_kernel()
