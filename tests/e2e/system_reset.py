# SPDX-License-Identifier: BSD-3-Clause
"""after a reset with a full balloon not one page of the new guest is dropped"""

import new_kernel


def run(rig):
    new_kernel.check(rig, rig.vm.reset)
