# SPDX-License-Identifier: BSD-3-Clause
"""What holds with either format of the queues; see split.py and packed.py."""

import main_job
import stop_cont
import system_reset
from bed.rig import expect


def check(rig, packed):
    """The main job, a stop and a reset, with queues that are packed, or split."""
    for job in main_job, stop_cont, system_reset:
        job.run(rig)
        features = rig.daemon.status()["features"]
        expect("event-idx" in features and ("ring-packed" in features) == packed,
               f"{'packed' if packed else 'split'} queues with event indices in {job.__name__}: "
               f"{', '.join(features)} were negotiated")
