# SPDX-License-Identifier: BSD-3-Clause
"""A guest on huge pages of the host, whose memory really comes back."""

from .. import hugepages
from ..rig import Rig, expect
from ..say import say
from ..vm import Machine
from . import account, show_host, step

GUEST_MIB = 512
BALLOON_MIB = 256
MIB_PER_HUGE_PAGE = 2


def _show_pool() -> int:
    free = hugepages.count("free")
    say(f"  The host's pool of huge pages has {free} that are free.")
    return free


def tell(assets) -> None:
    with hugepages.reserved(GUEST_MIB // MIB_PER_HUGE_PAGE), \
            Rig(assets, Machine(memory_mib=GUEST_MIB, hugetlb=True, prealloc=True),
                "--features", "-reporting") as rig:
        rig.load()
        rig.check_returned()
        step(f"A guest of {GUEST_MIB} MiB on huge pages has used all of its memory.")
        show_host(rig)
        before = _show_pool()
        step(f"$ vballoonctl set {BALLOON_MIB}M --wait, with a guest that counts in pages of 4 KiB")
        rig.daemon.resize(BALLOON_MIB)
        show_host(rig)
        came = (_show_pool() - before) * MIB_PER_HUGE_PAGE
        expect(came == BALLOON_MIB, f"{BALLOON_MIB} MiB back in the pool: {came}")
        account(rig)
        step(f"$ vballoonctl set {BALLOON_MIB - 1}M --wait: a part of one huge page, and no more than "
             "that one comes back.")
        rig.daemon.resize(BALLOON_MIB - 1)
        broken = before + BALLOON_MIB // MIB_PER_HUGE_PAGE - _show_pool()
        expect(broken == 1, f"one huge page to be broken: {broken}")
        account(rig)
        rig.daemon.resize(0)
        rig.check_returned()
        rig.check_kernel()
