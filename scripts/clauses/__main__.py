# SPDX-License-Identifier: BSD-3-Clause
"""The clauses of the specification, docs/spec: what is wrong with them, with the notes on
what keeps and what proves them, and with the table of both.

    clauses [TREE]               complain of clauses and notes
    clauses --complete [TREE]    and of clauses that nothing keeps or proves
    clauses --fresh [TREE]       and of what the documents say of that and is not so
    clauses --list [TREE]        print each id and its text
    clauses --proofs [TREE]      print the tests of the unit and protocol suites that prove one
    clauses --write [TREE]       write the table, docs/spec/coverage.md
"""

import sys
from pathlib import Path

import coverage
import notes
import text


def main():
    options = {word for word in sys.argv[1:] if word.startswith("--")}
    root = Path(next((word for word in sys.argv[1:] if word not in options), "."))
    clauses, wrong = text.read(root)
    if "--list" in options:
        for clause in clauses.values():
            print(f"{clause.id}\t{clause.statement}")
        return 1 if wrong else 0
    found, complaints = notes.read(root, clauses)
    wrong += complaints
    if "--proofs" in options:
        for name in sorted({note.subject for note in found if note.path.startswith(notes.SUITES)}):
            print(name)
        return 0
    if "--write" in options:
        (root / text.COVERAGE).write_text(coverage.table(root, clauses, found))
    if "--complete" in options:
        wrong += coverage.gaps(root, clauses, found)
    if "--fresh" in options:
        wrong += coverage.stale(root, clauses, found)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main())
