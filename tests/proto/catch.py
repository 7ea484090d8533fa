#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""catch.py [MUTANT=CASE[=TEST]]...: a test must find the fault in each mutant, in a case whose name begins
so. A MUTANT is the test itself with a faulty back end, or a faulty vballoond for TEST.
"""

import os
import re
import subprocess
import sys
from pathlib import Path


def failed(mutant, case, test=None):
    """The cases that fail, of a program that comes to its end."""
    command = [test, f"{case}*"] if test else [mutant]
    done = subprocess.run(command, env={**os.environ, **({"VBALLOOND": mutant} if test else {})},
                          capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
    text = done.stdout + done.stderr
    if done.returncode < 0:
        return []
    return re.findall(r"\[  FAILED  \] (\w+)", text)


def main():
    missed = 0
    for planted in sys.argv[1:]:
        mutant, case, *test = planted.split("=")
        found = failed(mutant, case, *test)
        named = [name for name in found if name.startswith(case)]
        missed += not named
        print(f"{'ok' if named else 'not ok'} - {Path(mutant).name}: {case}", *found, sep="\n  ", flush=True)
    return missed != 0 or not sys.argv[1:]


if __name__ == "__main__":
    sys.exit(main())
