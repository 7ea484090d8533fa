# SPDX-License-Identifier: BSD-3-Clause
"""a guest whose queues are split gives memory and gets it back, is stopped, and is reset"""

import main_job
import new_kernel
import stop_cont
from bed.rig import expect

DAEMON = ["--features", "-ring-packed"]


def run(rig):
    main_job.run(rig)
    features = rig.daemon.status()["features"]
    expect("event-idx" in features and "ring-packed" not in features,
           f"split queues with event indices: {', '.join(features)} were negotiated")
    stop_cont.run(rig)
    new_kernel.check_full(rig, rig.vm.reset)
