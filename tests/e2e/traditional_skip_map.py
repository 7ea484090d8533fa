# SPDX-License-Identifier: BSD-3-Clause
"""what need not travel of a guest with a traditional balloon is nothing that it needs"""

import skip_map

MACHINE = {"traditional": True}
DAEMON = ("--features", "-page-reporting")  # what is being reported is not to be had


def run(rig):
    skip_map.run(rig)
