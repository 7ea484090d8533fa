# SPDX-License-Identifier: BSD-3-Clause
"""after a kexec with a full balloon not one page of the new kernel is dropped"""

import new_kernel

MACHINE = {"kexec": True}


def run(rig):
    # The kernel that kexec starts has none to start in turn: a reboot brings back the first.
    def kexec():
        rig.vm.end_kernel("reboot")
        rig.load()
        rig.daemon.resize(new_kernel.BALLOON_MIB)
        rig.vm.end_kernel("kexec")

    new_kernel.check(rig, kexec)
