# SPDX-License-Identifier: BSD-3-Clause
"""The main job, before your eyes: memory taken from a guest, at the host, and given back."""

import argparse
import json
import sys
import time

from . import kernel, measure, prepare, stories
from .assets import Assets
from .balloon import OwnBalloon, PeerBalloon
from .failure import Failure
from .process import end_on_signal
from .rig import Rig
from .say import say
from .vm import Machine

GUEST_MIB = 2048
TARGET_MIB = 1536


def show(rig: Rig, assets: Assets) -> tuple[measure.Move, measure.Integrity, measure.Move]:
    """Everything that is to be seen: our balloon, the guest's memory, QEMU's balloon."""
    vm, own, peer = rig.vm, OwnBalloon(rig.daemon, rig.driver), PeerBalloon(rig.vm)
    say(f"\nA guest of {GUEST_MIB} MiB has booted Linux {vm.guest.kernel_release} under QEMU "
        f"{assets.qemu.version()} ({assets.accel.name}).")
    vm.guest.load(own.driver)
    vm.guest.load(peer.driver)
    say(f"The host holds {vm.memory.allocated_mib():.0f} MiB for it.")
    own_move = measure.move(vm, own, TARGET_MIB)
    say(f"\n{measure.ROUNDS} times more, while the guest holds a pattern in "
        f"{measure.PATTERN_SHARE:.0%} of what is left; then it writes and reads all of its memory:")
    integrity = measure.integrity(vm, own, TARGET_MIB, own_move.guest_left_mib)
    say(f"  at least {integrity.least_returned_mib:.0f} MiB at the host in each round;")
    say(f"  {integrity.held_pages} pages held, {integrity.held_bad_pages} of them changed; "
        f"{integrity.touched_pages} written and read, {integrity.touched_bad_pages} of them bad")
    say("\nThe balloon that QEMU has itself (virtio device 5, with Linux's driver), same guest:")
    peer_move = measure.move(vm, peer, TARGET_MIB)
    rig.check_kernel()
    return own_move, integrity, peer_move


def run(assets: Assets, init_on_alloc: int, traditional: bool) -> dict:
    """Show it all. Returns what was measured."""
    machine = Machine(memory_mib=GUEST_MIB, prealloc=True, peer=True, traditional=traditional,
                      kernel_parameters=[f"init_on_alloc={init_on_alloc}"])
    # What is free is not to go to the host behind the balloon's back, which is to be seen here.
    options = ("--features", "-page-reporting" if traditional else "-reporting")
    with Rig(assets, machine, *options) as rig:
        own_move, integrity, peer_move = show(rig, assets)
    return {
        "vmm": f"QEMU {assets.qemu.version()}",
        "accel": assets.accel.name,
        "guest_kernel": assets.kernel.release,
        "init_on_alloc": init_on_alloc,
        "guest_mib": GUEST_MIB,
        "target_mib": TARGET_MIB,
        "inflate_seconds": round(own_move.inflate_seconds, 3),
        "host_returned_mib": round(min(own_move.host_returned_mib, integrity.least_returned_mib), 1),
        "guest_free_drop_mib": round(own_move.guest_free_drop_mib, 1),
        "deflate_seconds": round(own_move.deflate_seconds, 3),
        "memory_intact": integrity.intact(),
        "peer_inflate_seconds": round(peer_move.inflate_seconds, 3),
        "peer_deflate_seconds": round(peer_move.deflate_seconds, 3),
    }


def summary(result: dict) -> str:
    """The result for a person, whose terminal may be narrow."""
    def row(name: str, own: str, peer: str, ratio: str) -> str:
        return f"  {name:17}{own:>10}{peer:>12}{ratio:>8}"

    def seconds(name: str) -> str:
        own, peer = result[f"{name}_seconds"], result[f"peer_{name}_seconds"]
        return row(f"{name} {result['target_mib']} MiB", f"{own:.3f} s", f"{peer:.3f} s",
                   f"{peer / own:.1f}x")

    share = 100 * result["host_returned_mib"] / result["target_mib"]
    return "\n".join([
        row("", "vballoon", "QEMU's own", "faster"),
        seconds("inflate"),
        seconds("deflate"),
        f"  The host had {result['host_returned_mib']:.0f} MiB back: {share:.1f} %.",
        "  Every page that the guest owned is " +
        ("intact." if result["memory_intact"] else "NOT intact."),
    ])


def tell(story: str, assets: Assets) -> int:
    told = [stories.tell(name, assets)
            for name in (stories.NAMES if story == "all" else [story])]
    return 0 if all(told) else 1


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--yes", action="store_true",
                        help="install missing Debian packages without asking")  # see ../../demo
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--init-on-alloc", type=int, choices=(0, 1),
                        help="whether the guest's kernel clears memory that it allocates "
                        "(default: as Debian has it)")
    parser.add_argument("--device", choices=("memory", "traditional"), default="memory",
                        help="memory: the balloon that is device 13 (default); traditional: "
                        "device 5, with the driver that the guest's kernel has")
    kernel.add_option(parser)
    parser.add_argument("--story", choices=(*stories.NAMES, "all"),
                        help="tell this instead: " + ", ".join(stories.NAMES) + ", or all of them")
    options = parser.parse_args(arguments)
    end_on_signal()
    began = time.monotonic()
    try:
        assets = prepare.assets(options.kernel)
        if options.story:
            return tell(options.story, assets)
        init_on_alloc = options.init_on_alloc
        if init_on_alloc is None:
            init_on_alloc = int(assets.kernel.clears_on_allocation())
        result = run(assets, init_on_alloc, options.device == "traditional")
    except Failure as failure:
        for note in getattr(failure, "__notes__", []):
            print(note, file=sys.stderr)
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    say(summary(result))
    print(f"  All of it took {time.monotonic() - began:.0f} s.")
    if options.json:
        print(json.dumps(result))
    enough = result["host_returned_mib"] >= 0.99 * result["target_mib"]
    return 0 if enough and result["memory_intact"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
