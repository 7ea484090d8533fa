#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""catch.py SIM MUTANT...: the simulator must find the fault in every mutant.

A MUTANT is a simulator built with a faulty device, or --NAME: a fault that SIM
plants into its own guest or host. One whose name begins with death- is run with deaths. Prints the seed that found each.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SCHEDULES = "20000"


def catch(command):
    """Return (why, seed's command), or None when the mutant survived."""
    done = subprocess.run(
        command + ["--schedules", SCHEDULES], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    if done.returncode != 1 or len(lines) < 2 or "--seed" not in lines[-1]:
        return None
    return lines[-2], lines[-1]


def command(sim, mutant, name):
    """How a mutant is run."""
    if mutant.startswith("--"):
        return [sim, "--mutant", name]
    return [mutant, "--deaths"] if name.startswith("death-") else [mutant]


def main():
    sim, mutants = sys.argv[1], sys.argv[2:]
    survived = 0
    names = [mutant[2:] if mutant.startswith("--") else Path(mutant).name for mutant in mutants]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        all_found = pool.map(lambda mutant, name: catch(command(sim, mutant, name)), mutants, names)
    for name, found in zip(names, all_found, strict=True):
        survived += found is None
        print(f"not ok - {name} survives" if found is None else f"ok - {name} is found", flush=True)
        print(*(found or ()), sep="\n")
    print(f"{len(mutants) - survived} of {len(mutants)} mutants caught")
    return survived != 0 or not mutants


if __name__ == "__main__":
    sys.exit(main())
