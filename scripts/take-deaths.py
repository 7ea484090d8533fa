#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""take-deaths.py DOCUMENT LOG: what tests/e2e/run --full told of workers that died, into the
document of it; that stays as it is where the log tells of none.
"""

import re
import sys
import textwrap
from pathlib import Path

# A column each.
SCENARIOS = ("worker_dies", "traditional_worker_dies")
TOLD = re.compile(r"^    ([^:\n]+): (.*)$", re.MULTILINE)
TIMES = "killed at"
ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)
BLOCK = re.compile(r"```\n[\d. \n]+```\n")
COLUMNS = 115


def told_of(scenario, log):
    """{what: what is told of it}, of its first run that was well and long."""
    for text in re.split(r"^(?=(?:ok|not ok|skip) - )", log, flags=re.MULTILINE):
        told = dict(TOLD.findall(text))
        if text.startswith(f"ok - {scenario}\n") and TIMES in told:
            return told
    return {}


def main():
    document, log = Path(sys.argv[1]), Path(sys.argv[2])
    text = document.read_text()
    told = [told_of(scenario, log.read_text() if log.exists() else "") for scenario in SCENARIOS]
    if not all(told):
        print(f"{log} does not tell of workers that died: {document} stays as it is")
        return 0

    def row(match):
        values = [column.get(match[1]) for column in told]
        return f"| {match[1]} | {' | '.join(values)} |" if all(values) else match[0]

    times = textwrap.fill(told[0][TIMES], COLUMNS)
    document.write_text(BLOCK.sub(f"```\n{times}\n```\n", ROW.sub(row, text)))
    return 0


sys.exit(main())
