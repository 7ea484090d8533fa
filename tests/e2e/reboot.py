# SPDX-License-Identifier: BSD-3-Clause
"""after a reboot with a full balloon not one page of the new guest is dropped"""

import new_kernel


# Proves DEV-HELLO-1, DEV-STOP-2.
def run(rig):
    def reboot():
        rig.vm.end_kernel("reboot")

    new_kernel.check_full(rig, reboot)
    new_kernel.check_filling(rig, reboot)
    if rig.thorough:
        new_kernel.check_standing(rig, reboot)
