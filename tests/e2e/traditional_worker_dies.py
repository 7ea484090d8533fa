# SPDX-License-Identifier: BSD-3-Clause
"""a traditional balloon's worker is killed again and again while the guest resizes"""

import worker_dies

MACHINE = {"traditional": True}
DAEMON = worker_dies.DAEMON
SPOILS = worker_dies.SPOILS


def run(rig):
    return worker_dies.run(rig)
