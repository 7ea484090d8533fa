#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""catch.py PROGRAM CORPUS...: the inputs of each corpus find the fault in the program."""

import subprocess
import sys
from pathlib import Path


def main():
    programs, corpora = sys.argv[1::2], sys.argv[2::2]
    survived = 0
    for program, corpus in zip(programs, corpora):
        done = subprocess.run([program, corpus], capture_output=True, text=True, check=False)
        last = (done.stdout.splitlines() or [""])[-1]
        # It has to end at an input, not before the first or after the last.
        found = done.returncode and last.startswith("input ")
        survived += not found
        name = Path(program).name
        print(f"ok - {name} is found, by {last}" if found else f"not ok - {name} survives")
    print(f"{len(programs) - survived} of {len(programs)} mutants caught")
    return survived != 0 or not programs


if __name__ == "__main__":
    sys.exit(main())
