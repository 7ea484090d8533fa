# SPDX-License-Identifier: BSD-3-Clause
"""guest memory that is not shared is reported, with what to do"""

from bed.rig import expect

MACHINE = {"shared": False, "memory_mib": 512}


def run(rig):
    rig.load()
    said = rig.daemon.status()["memory_problem"] or ""
    expect("share=on" in said, f"a problem that names share=on: {said!r}")
    rig.check_returned()
