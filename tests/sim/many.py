#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""many.py SIM SCHEDULES [SEED]: so many schedules, from that seed on, shared by all processors."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def shares(seed, schedules, processes):
    """(first seed, how many schedules) of each process."""
    for index in range(processes):
        first, end = (schedules * part // processes for part in (index, index + 1))
        if first < end:
            yield seed + first, end - first


def told(output, first):
    """How many schedules a process tells that it has run: all, or those up to one that failed."""
    if whole := re.search(r"^(\d+) schedules\b", output, re.MULTILINE):
        return int(whole[1])
    failed = re.search(r"--seed (\d+)", output)
    return int(failed[1]) - first + 1 if failed else 0


def run(sim, first, count):
    """How many were run, and whether all went well."""
    command = [sim, "--seed", str(first), "--schedules", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    return told(done.stdout, first), done.returncode == 0


def main():
    sim, schedules = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    began = time.monotonic()
    parts = list(shares(seed, schedules, os.cpu_count() or 1))
    with ThreadPoolExecutor(len(parts) or 1) as pool:
        ended = list(pool.map(lambda part: run(sim, *part), parts))
    ran, failed = sum(count for count, _ in ended), sum(not well for _, well in ended)
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{ran} schedules from seed {seed} in {took}: {f'{failed} failed' if failed else 'no violation'}")
    return 1 if failed or ran != schedules else 0


sys.exit(main())
