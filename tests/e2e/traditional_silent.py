# SPDX-License-Identifier: BSD-3-Clause
"""a driver that need not tell loses nothing: its pages are dropped before it is answered"""

import main_job
import stop_cont

MACHINE = {"traditional": True}
DAEMON = ("--features", "-must-tell-host,-page-reporting")


def run(rig):
    main_job.run(rig)
    stop_cont.run(rig)
