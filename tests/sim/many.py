#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""many.py SIM SCHEDULES [SEED]: so many schedules, from that seed on, shared by all processors."""

import os
import subprocess
import sys
import time


def shares(seed, schedules, processes):
    """(first seed, how many schedules) of each process."""
    for index in range(processes):
        first, end = (schedules * part // processes for part in (index, index + 1))
        if first < end:
            yield seed + first, end - first


def main():
    sim, schedules = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    began = time.monotonic()
    started = [
        subprocess.Popen([sim, "--seed", str(first), "--schedules", str(count)])
        for first, count in shares(seed, schedules, os.cpu_count() or 1)
    ]
    failed = [process for process in started if process.wait() != 0]
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{schedules} schedules from seed {seed} in {took}: {'a violation' if failed else 'no violation'}")
    return 1 if failed or not started else 0


sys.exit(main())
