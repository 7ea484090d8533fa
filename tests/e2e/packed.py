# SPDX-License-Identifier: BSD-3-Clause
"""a guest whose queues are packed gives memory and gets it back, is stopped, and is reset"""

import ring_format


def run(rig):
    ring_format.check(rig, packed=True)
