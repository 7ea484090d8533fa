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
# What tells figures; the log that they are in, and its lines with them, how these begin and go on.
FIGURES = {
    "./check --full": ("all", "", ()),
    "make sim": ("sim", "", (r"1000000 schedules from seed \d+ in \d+ s: no violation",
                             r"\d+ of \d+ mutants caught")),
    "make models": ("models", "models: ", (r"\d+ models, .*; 0 failed",)),
    "make prove": ("proofs", "proofs: ", (r"\d+ steps, .*; 0 failed",)),
    "make fuzz": ("fuzz", "fuzz: ", (r"\d+ programs, .*; 0 failed", r"\d+ of \d+ mutants caught")),
    "make hostile": ("hostile", "hostile: ", (r"\d+ messages .*; 0 failed",)),
    "make coverage": ("coverage", "coverage: ", (r"\d+\.\d % of \d+ lines, .*; 0 failed",)),
    "make wall": ("wall", "wall: ", (r"\d+ programs .*; 0 failed",)),
    "make guest-tests": ("kernels", "", (r"Linux \S+: \d+ passed, 0 failed, \d+ skipped; its kernel .* 0",)),
}  # fmt: skip
# How a stage of ./check --full has ended well: the last line of its log.
ENDED = r"\d+ passed(?:, \d+ skipped)? in \d+ s"
# The table of figures, and a row of it.
TABLE = re.compile(r"(## What it told\n.*?\n\|---\|---\|\n)(\| [^\n]* \|\n)*", re.DOTALL)
TOLD = re.compile(r"^\| `([^`]+)` \| ([^|]*) \|$", re.MULTILINE)


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


def figures_of(command, logs):
    """What was told of it when it was last run whole; nothing where it was not, or failed."""
    log, head, lines = FIGURES[command]
    path = logs / f"{log}.log"
    text = path.read_text() if path.exists() else ""
    ended = re.search(rf"^= ({ENDED})\n\Z", text, re.MULTILINE)
    found = [re.findall(rf"^(?:{head})?({line})$", text, re.MULTILINE) for line in lines]
    if not ended or not all(found):
        return ""
    return "; ".join([*dict.fromkeys(sum(found, [])), ended[1]])


def take_figures(text, logs):
    """The text with the figures of these logs; a row stays as it is where there are none."""
    rows = dict(TOLD.findall(TABLE.search(text)[0]))
    rows |= {command: told for command in FIGURES if (told := figures_of(command, logs))}
    lines = "".join(f"| `{command}` | {rows[command]} |\n" for command in FIGURES if command in rows)
    return TABLE.sub(lambda table: table[1] + lines, text)


def is_told(command, row):
    """Whether a row says what its command says at its end, of a run that was well."""
    if command not in FIGURES:
        return False
    lines = "".join(rf"(?:{line}; )+" for line in FIGURES[command][2])
    return re.fullmatch(rf"{lines}(?:{ENDED}; )?", f"{row}; ")


def wrong_figures(text):
    """What tells figures, and does not tell them in the text as it does at its end."""
    rows = dict(TOLD.findall(TABLE.search(text)[0]))
    return [command for command, row in rows.items() if not is_told(command, row)] if rows else ["any"]


def main():
    root = Path(sys.argv[1])
    document = root / "docs/trust.md"
    text = document.read_text()
    if len(sys.argv) > 2:
        text = take_figures(text, Path(sys.argv[2]))
        document.write_text(text)
    missing = [f"{name}: there is no such test" for name in missing_tests(root, text)]
    if take_figures(text, root / "no logs") != text:
        missing.append("without a log its figures do not stay as they are")
    missing += [f"{command}: these are not its figures" for command in wrong_figures(text)]
    for what in missing:
        print(f"docs/trust.md: {what}", file=sys.stderr)
    return 1 if missing else 0


sys.exit(main())
