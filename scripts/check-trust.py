#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-trust.py ROOT: each test that docs/trust.md names is there."""

import re
import sys
from pathlib import Path

# Where a mistake was seen, the mistake, and its test.
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| `([^`]+)` \|$")


def is_there(root, name, tests, cases):
    if name.endswith(".py"):
        return (root / "tests/e2e" / name).exists()
    if "/" in name:
        topic, case = name.split("/")
        return f'"{case}"' in cases.get(f"topic_{topic.replace('-', '_')}.c", "")
    return f"static void {name}(" in tests and len(re.findall(rf"\b{name}\b", tests)) > 1


def main():
    root = Path(sys.argv[1])
    tests = "".join(path.read_text() for folder in ("unit", "proto")
                    for path in sorted((root / "tests" / folder).glob("*.c")))  # fmt: skip
    cases = {path.name: path.read_text() for path in (root / "src/conformance").glob("topic_*.c")}
    rows = [ROW.match(line) for line in (root / "docs/trust.md").read_text().splitlines()]
    names = [row.group(1) for row in rows if row]
    missing = [name for name in names if not is_there(root, name, tests, cases)]
    for name in missing:
        print(f"docs/trust.md: {name}: there is no such test", file=sys.stderr)
    if not names:
        print("docs/trust.md: names no test", file=sys.stderr)
    return 1 if missing or not names else 0


sys.exit(main())
