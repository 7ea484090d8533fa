#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""catch.py SIDE CONFORMANCE SOUND [MUTANT=CLAUSE=TOPIC]...: the suite must name the clause that
each mutant breaks, and find nothing wrong with the program that is SOUND.

SIDE is device, traditional, or driver. A MUTANT is a program with a defect that was planted; TOPIC, which
may be TOPIC/CASE, is where it shows.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BAD = ("FAIL", "WEDGED")
# What the suite is told, and what the program.
SIDES = {
    "device": ([], ["--no-config", "--socket-path", "%s"]),
    "traditional": (
        ["--device", "5"],
        ["--no-config", "--device", "traditional", "--socket-path", "%s"],
    ),
    "driver": (["--driver"], ["%s"]),
}


def run(side, conformance, topic, program):
    """The clauses that a program breaks, by the cases of one topic."""
    options, arguments = SIDES[side]
    options = [*options, "--json", "--timeout", "2", "--case", topic]
    done = subprocess.run(
        [conformance, *options, "--", program, *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    bad = [row for row in rows if row.get("outcome") in BAD]
    if done.returncode != (1 if bad else 0) or not rows:
        raise SystemExit(f"{program}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return bad


def main():
    side, conformance, sound, mutants = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    missed = 0
    for topic in sorted({mutant.split("=")[2] for mutant in mutants}):
        found = run(side, conformance, topic, sound)
        missed += bool(found)
        print(f"{'not ok' if found else 'ok'} - the sound one keeps {topic}", *found, sep="\n")
    faults = [mutant.split("=") for mutant in mutants]
    # They wait most of the time.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        all_found = pool.map(lambda fault: run(side, conformance, fault[2], fault[0]), faults)
    for (program, clause, _), found in zip(faults, all_found, strict=True):
        named = [row for row in found if row["clause"] == clause]
        missed += not named
        name = f"{Path(program).name} breaks {clause}"
        print(f"{'ok' if named else 'not ok'} - {name}", flush=True)
        for row in (named or found)[:3]:
            print(f"  {row['outcome']} {row['clause']} {row['topic']}/{row['case']}: {row['why']}")
    print(f"{len(mutants) - missed} of {len(mutants)} mutants named by clause")
    return missed != 0 or not mutants


if __name__ == "__main__":
    sys.exit(main())
