# SPDX-License-Identifier: BSD-3-Clause
"""The clauses of the specification, docs/spec: what is wrong with them, and with the notes
on what keeps and what proves them.

    clauses [TREE]                complain of clauses and notes
    clauses --complete [TREE]     and of clauses that nothing keeps or proves, unless it is told
    clauses --list [TREE]         print each id and its text
    clauses --proofs [TREE]       print the tests of the unit and protocol suites that prove one
    clauses --table=FILE [TREE]   write the table of what keeps and what proves each, say where
"""

import os
import sys
from pathlib import Path

import coverage
import notes
import text


def main():
    options = dict(word.split("=", 1) if "=" in word else (word, None) for word in sys.argv[1:])
    root = Path(next((word for word in options if not word.startswith("--")), "."))
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
    if "--table" in options:
        file = Path(options["--table"])
        file.parent.mkdir(parents=True, exist_ok=True)
        to_root = os.path.relpath(root, file.parent)
        file.write_text(coverage.table(root, clauses, found, to_root))
        print(file)
    if "--complete" in options:
        wrong += coverage.gaps(root, clauses, found)
        wrong += coverage.stale(root, clauses, found)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main())
