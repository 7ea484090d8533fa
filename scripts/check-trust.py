#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-trust.py ROOT [LOGS]: each test that docs/trust.md names is there, and so are the figures
of the last ./check --full, which are taken from its LOGS when they are given. LOGS is where these
are, or one of them, from which no figures are taken. The tests have passed in those that there are.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "stages"))

from cases import CMOCKA, PLAIN  # noqa: E402  (found by the line above)

# Where a mistake was seen, the mistake, and its tests.
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| (`[^|]+`) \|$", re.MULTILINE)
# A case of vballoon-conformance, as the suites of the tree tell of it; not one that was skipped.
CONFORMANCE = re.compile(r"^(ok|not ok) \d+ - (\S+) \[.*\)$", re.MULTILINE)
# The logs that have scenarios with a real guest, and those that have all other tests.
SCENARIOS, TESTS = ("e2e", "kernels"), ("gcc",)
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
# What stands where something has not ended well since it last changed.
UNTOLD = "nothing yet"
# The table of figures, and a row of it.
TABLE = re.compile(r"(## What it told\n.*?\n\|---\|---\|\n)(\| [^\n]* \|\n)*", re.DOTALL)
TOLD = re.compile(r"^\| `([^`]+)` \| ([^|]*) \|$", re.MULTILINE)


def is_there(root, name, tests, topics):
    if name.endswith(".py"):
        scenario = root / "tests/e2e" / name
        return scenario.exists() and "\ndef run(" in scenario.read_text()
    if "/" in name:
        topic, case = name.split("/")
        return any(f'"{topic}"' in cases and f'"{case}"' in cases for cases in topics)
    return f"static void {name}(" in tests and len(re.findall(rf"\b{name}\b", tests)) > 1


def named_tests(text):
    return [name for row in ROW.findall(text) for name in re.findall(r"`([^`]+)`", row)]


def missing_tests(root, text):
    """Names of tests that there are not."""
    tests = "".join(path.read_text() for folder in ("unit", "proto")
                    for path in sorted((root / "tests" / folder).glob("*.c")))  # fmt: skip
    topics = [path.read_text() for path in (root / "src/conformance").glob("topic_*.c")]
    names = named_tests(text)
    return [name for name in names if not is_there(root, name, tests, topics)] if names else ["any"]


def passed(log):
    """Names of tests that have passed, as often as they were run."""
    told = CMOCKA.findall(log) + PLAIN.findall(log) + CONFORMANCE.findall(log)
    failed = {name for word, name in told if word in ("FAILED", "ERROR", "not ok")}
    return {name for word, name in told if word in ("OK", "ok")} - failed


def unproven_tests(text, logs):
    """Names of tests that have not passed, as far as there is a log that would have them."""
    unproven = []
    for stems, are_scenarios in ((SCENARIOS, True), (TESTS, False)):
        found = [log.read_text(errors="replace") for log in logs if log.stem in stems]
        good = passed("\n".join(found))
        unproven += [name for name in named_tests(text) if found and name.endswith(".py") == are_scenarios
                     and name.removesuffix(".py") not in good]  # fmt: skip
    return unproven


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
    return row == UNTOLD or re.fullmatch(rf"{lines}{ENDED}; ", f"{row}; ")


def wrong_figures(text):
    """What is wrong with them: what tells some has a row with them, as it tells them at its end."""
    rows = dict(TOLD.findall(TABLE.search(text)[0]))
    missing = [f"{command}: there is no row of it" for command in FIGURES if command not in rows]
    return missing + [f"{command}: these are not its figures" for command, row in rows.items()
                      if not is_told(command, row)]  # fmt: skip


def main():
    root = Path(sys.argv[1])
    document = root / "docs/trust.md"
    text = document.read_text()
    logs = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if logs and logs.is_dir():
        text = take_figures(text, logs)
        document.write_text(text)
    missing = [f"{name}: there is no such test" for name in missing_tests(root, text)]
    if logs:
        given = sorted(logs.glob("*.log")) if logs.is_dir() else [logs]
        missing += [f"{name}: has not passed" for name in unproven_tests(text, given)]
    if take_figures(text, root / "no logs") != text:
        missing.append("without a log its figures do not stay as they are")
    missing += wrong_figures(text)
    for what in missing:
        print(f"docs/trust.md: {what}", file=sys.stderr)
    return 1 if missing else 0


sys.exit(main())
