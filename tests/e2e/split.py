# SPDX-License-Identifier: BSD-3-Clause
"""a guest whose queues are split gives memory and gets it back, is stopped, and is reset"""

import ring_format

DAEMON = ["--features", "-ring-packed"]


def run(rig):
    ring_format.check(rig, packed=False)
