# SPDX-License-Identifier: BSD-3-Clause
"""memory is given up that QEMU plugged in without waiting until the traditional balloon has it"""

import hotplug

MACHINE = {**hotplug.MACHINE, "traditional": True}
DAEMON = ("--features", "-page-reporting")  # what is being reported is not to be had
SPOILS = True


def run(rig):
    hotplug.run(rig)
