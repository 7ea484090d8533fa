#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""catch.py PROGRAM CORPUS...: the inputs of each corpus find the fault in the program."""

import subprocess
import sys
from pathlib import Path


def replay(program, corpus):
    """Whether a program ends well with the inputs of a corpus, and its last line."""
    done = subprocess.run([program, corpus], capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout.splitlines() or [""])[-1]


def catch(program, corpus):
    """Whether they find its fault, and what there is to say of it."""
    well, last = replay(program, corpus)
    # It has to end at an input, not before the first or after the last.
    found = not well and last.startswith("input ")
    name = Path(program).name
    return found, f"ok - {name} is found, by {last}" if found else f"not ok - {name} survives"


def main():
    programs, corpora = sys.argv[1::2], sys.argv[2::2]
    survived = 0
    for program, corpus in zip(programs, corpora, strict=True):
        found, told = catch(program, corpus)
        survived += not found
        print(told)
    print(f"{len(programs) - survived} of {len(programs)} mutants caught")
    return survived != 0 or not programs


if __name__ == "__main__":
    sys.exit(main())
