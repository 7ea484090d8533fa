#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""catch.py SIDE CONFORMANCE SOUND ROUND [MUTANT=CLAUSE=TOPIC]...: the suite must name the clause that
each mutant breaks, and find nothing wrong with the program that is SOUND.

SIDE is device, traditional, driver, or host: a traditional one on huge pages, where the sound one may
skip nothing. ROUND is what the suite is told to begin a round with. A MUTANT is a program with a
defect that was planted; TOPIC, which may be TOPIC/CASE, is where it shows.
"""

import contextlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bed import hugepages  # noqa: E402  (found by the line above)
from bed.failure import Skip  # noqa: E402
from bed.process import end_on_signal  # noqa: E402

BAD = ("FAIL", "WEDGED")
HUGE_PAGES = 5  # that a case has
SKIPPED = 77  # as meson has it
TRADITIONAL = (
    ["--device", "5"],
    ["--no-config", "--device", "traditional", "--control-path", "%s.control", "--socket-path", "%s"],
)
# What the suite is told, and what the program.
SIDES = {
    "device": ([], ["--no-config", "--socket-path", "%s"]),
    "traditional": TRADITIONAL,
    "host": TRADITIONAL,
    "driver": (["--driver"], ["%s"]),
}


def those(rows, outcomes):
    return [row for row in rows if row.get("outcome") in outcomes]


def run(side, suite, topic, program):
    """What each case of one topic makes of a program."""
    options, arguments = SIDES[side]
    options = [*options, "--json", "--timeout", "2", "--case", topic]
    done = subprocess.run(
        [*suite, *options, "--", program, *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != (1 if those(rows, BAD) else 0) or not rows:
        raise SystemExit(f"{program}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return rows


def catch(side, suite, sound, faults):
    """Whether all of them were caught."""
    missed = 0
    unsound = (*BAD, "SKIP") if side == "host" else BAD
    for topic in sorted({topic for _, _, topic in faults}):
        found = those(run(side, suite, topic, sound), unsound)
        missed += bool(found)
        print(f"{'not ok' if found else 'ok'} - the sound one keeps {topic}", *found, sep="\n")
    # They wait most of the time.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        all_rows = pool.map(lambda fault: run(side, suite, fault[2], fault[0]), faults)
    for (program, clause, _), rows in zip(faults, all_rows, strict=True):
        found = those(rows, BAD)
        named = [row for row in found if row["clause"] == clause]
        missed += not named
        name = f"{Path(program).name} breaks {clause}"
        print(f"{'ok' if named else 'not ok'} - {name}", flush=True)
        for row in (named or found)[:3]:
            print(f"  {row['outcome']} {row['clause']} {row['topic']}/{row['case']}: {row['why']}")
    print(f"{len(faults) - missed} of {len(faults)} mutants named by clause")
    return not missed and faults


def main():
    side, conformance, sound, begin_round, *mutants = sys.argv[1:]
    faults = [mutant.split("=") for mutant in mutants]
    huge_pages = HUGE_PAGES * len(faults) if side == "host" else 0
    suite = [conformance, "--begin-round", begin_round]
    end_on_signal()
    try:
        with hugepages.reserved(huge_pages) if huge_pages else contextlib.nullcontext():
            return 0 if catch(side, suite, sound, faults) else 1
    except Skip as reason:
        print(reason)
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main())
