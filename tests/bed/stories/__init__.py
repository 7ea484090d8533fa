# SPDX-License-Identifier: BSD-3-Clause
"""Stories that the demo tells beside the main job: each a file here, with the docstring for its
heading and `tell(assets)`, which raises Failure when it does not come out as it should."""

import importlib

from ..assets import Assets
from ..failure import Failure, Skip
from ..rig import Rig, expect
from ..say import say

# In the order in which `all` tells them.
NAMES = ("warm", "hugetlb", "report")


def step(text: str) -> None:
    say(f"\n{text}")


def show_host(rig: Rig) -> float:
    held_mib = rig.vm.memory.allocated_mib()
    say(f"  The host holds {held_mib:.0f} MiB for the guest.")
    return held_mib


def account(rig: Rig) -> None:
    """What `vballoonctl why` has to say; every byte has to have its cause."""
    print("  $ vballoonctl why")
    for line in rig.daemon.command_line("why").stdout.splitlines():
        print(f"  {line}", flush=True)
    for name, total in rig.daemon.command_line_json("why").items():
        parts = sum(part["bytes"] for part in total["parts"])
        expect(parts == total["bytes"], f"the parts of {name} to add up to {total['bytes']}: {parts}")


def tell(name: str, assets: Assets) -> bool:
    """Tell one story. Returns whether it came out as it should; one that cannot be told here
    says why, and is no failure."""
    story = importlib.import_module(f"{__name__}.{name}")
    step(f"--- {story.__doc__}")
    try:
        story.tell(assets)
    except Skip as reason:
        step(f"This story cannot be told here: {reason}.")
    except Failure as failure:
        for note in getattr(failure, "__notes__", []):
            print(note)
        step(f"This is not how it should end: {failure}")
        return False
    return True
