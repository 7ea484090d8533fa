# SPDX-License-Identifier: BSD-3-Clause
"""after a reboot with a full balloon not one page of the new guest is dropped"""

import new_kernel


# Proves DEV-HELLO-1, DEV-STOP-2.
def run(rig):
    new_kernel.check(rig, lambda: rig.vm.end_kernel("reboot"))
