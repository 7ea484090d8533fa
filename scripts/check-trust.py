#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-trust.py ROOT [LOGS]: each test that docs/trust.md names is there, and so are the figures
of the last ./check --full, which are taken from its LOGS when they are given.
"""

import re
import sys
from pathlib import Path

# Where a mistake was seen, the mistake, and its test.
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| `([^`]+)` \|$")
# What tells figures, the log that they are in, and how a line of them begins and goes on.
FIGURES = {
    "make sim": ("sim", "", r"1000000 schedules from seed \d+: no violation"),
    "make models": ("models", "models: ", r"\d+ models, .*; 0 failed"),
    "make prove": ("proofs", "proofs: ", r"\d+ steps, .*; 0 failed"),
    "make fuzz": ("fuzz", "fuzz: ", r"\d+ programs, .*; 0 failed"),
    "make hostile": ("hostile", "hostile: ", r"\d+ messages .*; 0 failed"),
    "make coverage": ("coverage", "coverage: ", r"\d+\.\d % of \d+ lines, .*; 0 failed"),
    "make wall": ("wall", "wall: ", r"\d+ programs .*; 0 failed"),
}
# The table of them, and a row of it.
TABLE = re.compile(r"(## What it told\n.*?\n\|---\|---\|\n)(\| .* \|\n)*", re.DOTALL)
TOLD = re.compile(r"^\| `(make \w+)` \| ([^|]*) \|$", re.MULTILINE)


def is_there(root, name, tests, cases):
    if name.endswith(".py"):
        return (root / "tests/e2e" / name).exists()
    if "/" in name:
        topic, case = name.split("/")
        return f'"{case}"' in cases.get(f"topic_{topic.replace('-', '_')}.c", "")
    return f"static void {name}(" in tests and len(re.findall(rf"\b{name}\b", tests)) > 1


def missing_tests(root, text):
    """Names of tests that there are not."""
    tests = "".join(path.read_text() for folder in ("unit", "proto")
                    for path in sorted((root / "tests" / folder).glob("*.c")))  # fmt: skip
    cases = {path.name: path.read_text() for path in (root / "src/conformance").glob("topic_*.c")}
    names = [row.group(1) for row in map(ROW.match, text.splitlines()) if row]
    return [name for name in names if not is_there(root, name, tests, cases)] if names else ["any"]


def take_figures(text, logs):
    """The text with the figures of these logs; a row stays as it is where there are none."""
    rows = dict(TOLD.findall(text))
    for command, (log, head, figures) in FIGURES.items():
        path = logs / f"{log}.log"
        told = re.findall(rf"^{head}({figures})$", path.read_text() if path.exists() else "", re.MULTILINE)
        if told:
            rows[command] = told[-1]
    lines = "".join(f"| `{command}` | {rows[command]} |\n" for command in FIGURES if command in rows)
    return TABLE.sub(lambda table: table[1] + lines, text)


def wrong_figures(text):
    """What tells figures, and does not tell them in the text as it does at its end."""
    rows = dict(TOLD.findall(TABLE.search(text)[0]))
    wrong = [command for command, row in rows.items()
             if command not in FIGURES or not re.fullmatch(FIGURES[command][2], row)]  # fmt: skip
    return wrong if rows else ["any"]


def main():
    root = Path(sys.argv[1])
    document = root / "docs/trust.md"
    text = document.read_text()
    if len(sys.argv) > 2:
        text = take_figures(text, Path(sys.argv[2]))
        document.write_text(text)
    missing = [f"{name}: there is no such test" for name in missing_tests(root, text)]
    missing += [f"{command}: these are not its figures" for command in wrong_figures(text)]
    for what in missing:
        print(f"docs/trust.md: {what}", file=sys.stderr)
    return 1 if missing else 0


sys.exit(main())
