# SPDX-License-Identifier: BSD-3-Clause
"""after a kexec with a full balloon not one page of the new kernel is dropped"""

import new_kernel

MACHINE = {"kexec": True}


# Proves DRV-RESET-3.
def run(rig):
    new_kernel.check_full(rig, lambda: rig.vm.end_kernel("kexec"))
    if rig.thorough:
        # The kernel that kexec has started has none to start in turn: a reboot brings back the first.
        rig.vm.end_kernel("reboot")
        new_kernel.check_filling(rig, lambda: rig.vm.end_kernel("kexec"))
