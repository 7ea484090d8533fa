# SPDX-License-Identifier: BSD-3-Clause
"""with a full traditional balloon not one page is dropped of a guest that reboots or is reset"""

import new_kernel

MACHINE = {"traditional": True}
DAEMON = ("--features", "-page-reporting")  # what is being reported is not to be had


def run(rig):
    new_kernel.check_full(rig, lambda: rig.vm.end_kernel("reboot"))
    new_kernel.check_filling(rig, rig.vm.reset)
