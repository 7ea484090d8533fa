# SPDX-License-Identifier: BSD-3-Clause
"""a target of all memory takes what can be had of a guest that need not tell, and it lives on"""

import greed

MACHINE = {"traditional": True}
DAEMON = ("--features", "-must-tell-host")


def run(rig):
    greed.run(rig)
