# SPDX-License-Identifier: BSD-3-Clause
"""A balloon that is kept warm, and then is not."""

import time

from ..rig import Rig, expect
from ..say import say
from ..vm import Machine
from . import account, show_host, step

GUEST_MIB = 1024
BALLOON_MIB = 640


def _round(rig: Rig) -> None:
    """Give all of the balloon back, and take it again."""
    began = time.monotonic()
    rig.daemon.resize(0)
    seconds = time.monotonic() - began
    say(f"  The guest has its {BALLOON_MIB} MiB back after {seconds:.3f} s.")
    rig.check_returned()
    rig.daemon.resize(BALLOON_MIB)


def tell(assets) -> None:
    # Free memory that is reported goes to the host, whatever becomes of the balloon's.
    with Rig(assets, Machine(memory_mib=GUEST_MIB, prealloc=True),
             "--features", "-reporting") as rig:
        rig.load()
        rig.check_returned()
        step(f"A guest of {GUEST_MIB} MiB has used all of its memory.")
        before_mib = show_host(rig)
        step(f"$ vballoonctl policy pages=warm; vballoonctl set {BALLOON_MIB}M --wait")
        rig.daemon.execute("policy", pages="warm")
        rig.daemon.resize(BALLOON_MIB)
        expect(show_host(rig) >= before_mib, "the host to keep what is warm")
        account(rig)
        step("$ vballoonctl set 0 --wait: the host had kept the memory, and has nothing to find.")
        _round(rig)
        step("$ vballoonctl policy pages=eager: the host is to have it after all.")
        kept_mib = show_host(rig)
        rig.daemon.execute("policy", pages="eager")
        expect(rig.daemon.reached(20), "the host to take it")
        returned_mib = kept_mib - show_host(rig)
        expect(returned_mib >= 0.99 * BALLOON_MIB, f"{BALLOON_MIB} MiB back: {returned_mib:.0f}")
        account(rig)
        rig.daemon.resize(0)
        rig.check_returned()
        rig.check_kernel()
