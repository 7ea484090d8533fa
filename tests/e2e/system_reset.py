# SPDX-License-Identifier: BSD-3-Clause
"""after a reset with a full balloon not one page of the new guest is dropped"""

import new_kernel


def run(rig):
    new_kernel.check_full(rig, rig.vm.reset)
    new_kernel.check_standing(rig, rig.vm.reset)
    if rig.thorough:
        new_kernel.check_filling(rig, rig.vm.reset)
