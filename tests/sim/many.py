#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""So many schedules, from a seed on, shared by all processors."""

import argparse
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


def run(command, first, count):
    """How many were run, and whether all went well."""
    command = [*command, "--seed", str(first), "--schedules", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    return told(done.stdout, first), done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deaths", action="store_true", help="of the device's process, in the midst of its work")
    parser.add_argument("--within", type=float, metavar="SECONDS", help="fail where it takes longer")
    parser.add_argument("sim")
    parser.add_argument("schedules", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    options = parser.parse_args()
    command = [options.sim, *["--deaths"] * options.deaths]
    schedules, seed = options.schedules, options.seed
    began = time.monotonic()
    parts = list(shares(seed, schedules, os.cpu_count() or 1))
    with ThreadPoolExecutor(len(parts) or 1) as pool:
        ended = list(pool.map(lambda part: run(command, *part), parts))
    ran, failed = sum(count for count, _ in ended), sum(not well for _, well in ended)
    seconds = time.monotonic() - began
    what = "schedules with deaths" if options.deaths else "schedules"
    print(f"{ran} {what} from seed {seed} in {seconds:.0f} s: {f'{failed} failed' if failed else 'no violation'}")
    is_late = options.within is not None and seconds > options.within
    if is_late:
        print(f"that is longer than {options.within:.0f} s")
    return 1 if failed or is_late or ran != schedules else 0


sys.exit(main())
