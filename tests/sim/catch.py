#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""catch.py SIM MUTANT...: the simulator must find the fault in every mutant.

A MUTANT is a simulator built with a faulty device, or --NAME: a fault that SIM
plants into its own guest or host. One whose name begins with death- is run with deaths. Prints the seed
that found each, and the line that is printed with it finds the same once more.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SCHEDULES = "20000"


def last_lines(command):
    """The last two lines of a simulator that has failed; else nothing."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[-2:] if done.returncode == 1 else []


def catch(command):
    """Return (why, seed's command), or None when the mutant survived."""
    lines = last_lines(command + ["--schedules", SCHEDULES])
    if len(lines) < 2 or "--seed" not in lines[-1]:
        return None
    # As somebody would who has nothing but that line.
    options = lines[-1][lines[-1].index("--"):].split()
    return lines if last_lines([command[0], *options]) == lines else None


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
        print(f"not ok - {name} survives, or is not found again" if found is None else f"ok - {name} is found", flush=True)
        print(*(found or ()), sep="\n")
    print(f"{len(mutants) - survived} of {len(mutants)} mutants caught")
    return survived != 0 or not mutants


if __name__ == "__main__":
    sys.exit(main())
