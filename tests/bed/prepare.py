# SPDX-License-Identifier: BSD-3-Clause
"""Sets up everything, in order, saying what it does. Done twice it does nothing."""

import argparse
import dataclasses
import sys
import time

from . import build, initramfs, kernel, probe, qemu_root
from .accel import TCG
from .assets import Assets
from .failure import Failure
from .modules import BALLOON_MODULE, PEER_MODULE, TRANSPORT_MODULE, Modules


def assets(version: str = "") -> Assets:
    """Fetch and build all that a virtual machine is made from. The version is the kernel's: one
    of kernel.VERSIONS, or the machine's own."""
    began = time.monotonic()
    qemu = qemu_root.prepare()
    guest_kernel = kernel.prepare(version)
    init = build.OUT / "init"
    initramfs.build_init(init)
    modules = Modules(guest_kernel)
    modules.add(TRANSPORT_MODULE)
    modules.add(PEER_MODULE)
    built = build.build(guest_kernel)
    modules.add(BALLOON_MODULE, built.module.read_bytes())
    for name, path in built.guest_modules.items():
        modules.add(name, path.read_bytes())
    made = Assets(qemu, guest_kernel, TCG, init, modules, built)
    accel, why = probe.choose(made)
    print(f"bed: QEMU {qemu.version()}, guest Linux {guest_kernel.release}, {accel.name} ({why}); "
          f"ready in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return dataclasses.replace(made, accel=accel)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="setup")
    kernel.add_option(parser)
    try:
        assets(parser.parse_args().kernel)
    except Failure as failure:
        sys.exit(f"setup: {failure}")
