# SPDX-License-Identifier: BSD-3-Clause
"""The clauses of the specification, docs/spec: what is wrong with them, with the notes on
what keeps and what proves them, and with the table of both.

    clauses [TREE]               complain of clauses and notes
    clauses --complete [TREE]    and of what has no note, and of an old table
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
    table = coverage.table(root, clauses, found)
    document = root / text.COVERAGE
    if "--write" in options:
        document.write_text(table)
    elif "--complete" in options:
        if not document.exists() or document.read_text() != table:
            wrong.append(f"{text.COVERAGE}: is not as the sources are: make clauses")
        wrong += coverage.gaps(root, clauses, found)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main())
