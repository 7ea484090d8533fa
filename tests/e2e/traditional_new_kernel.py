# SPDX-License-Identifier: BSD-3-Clause
"""after a reboot with a full traditional balloon not one page of the new guest is dropped"""

import new_kernel

MACHINE = {"traditional": True}
DAEMON = ("--features", "-page-reporting")  # what is being reported is not to be had


def run(rig):
    new_kernel.check_full(rig, lambda: rig.vm.end_kernel("reboot"))
