# SPDX-License-Identifier: BSD-3-Clause
"""The clauses as docs/spec has them.

A clause is a list item that begins with its id, and says one thing: it has one
word of RFC 2119. Those words stand in clauses only. The ids of an area count up
from 1 without a gap.
"""

import re
from collections import namedtuple
from pathlib import Path

SPEC = Path("docs", "spec")
CONFORMANCE = SPEC / "conformance.md"
# These explain the words.
EXEMPT = {"README.md", CONFORMANCE.name}

ID = re.compile(r"\b(?:DEV|DRV)-[A-Z]+-\d+\b")
CLAUSE = re.compile(r"- \*\*((DEV|DRV)-([A-Z]+)-(\d+))\*\* (.*)")
WORD = re.compile(r"\b(?:MUST|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b(?: NOT\b)?")

Clause = namedtuple("Clause", "id chapter statement")


def _blocks(text):
    """The text in pieces: a list item with the lines that go on with it, or one line."""
    piece, first = [], 1
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("  ") and piece and piece[0].startswith("- "):
            piece.append(line.strip())
            continue
        if piece:
            yield first, " ".join(piece)
        piece, first = [line], number
    yield first, " ".join(piece)


def read(root):
    """The clauses by id, in the order of the table of chapters; and what is wrong with them."""
    clauses, wrong = {}, []
    readme = (root / SPEC / "README.md").read_text()
    chapters = re.findall(r"^\| \[[^\]]*\]\(([a-z-]+\.md)\) \| `", readme, re.MULTILINE)
    others = {file.name for file in (root / SPEC).glob("*.md")} - EXEMPT - set(chapters)
    for document in [*chapters, *sorted(others)]:
        path = SPEC / document
        for number, text in _blocks((root / path).read_text()):
            words = WORD.findall(text)
            found = CLAUSE.fullmatch(text)
            if not found:
                if words:
                    wrong.append(f"{path}:{number}: {words[0]} in what is no clause")
                continue
            name, side, area, count, statement = found.groups()
            if document in others:
                wrong.append(f"{path}:{number}: a clause, and no chapter of the table")
            if name in clauses:
                wrong.append(f"{path}:{number}: {name} is there twice")
            if len(words) != 1:
                wrong.append(f"{path}:{number}: {name} does not say one thing: {words}")
            clauses[name] = Clause(name, document, statement)
            last = sum(other.startswith(f"{side}-{area}-") for other in clauses)
            if int(count) != last:
                wrong.append(f"{path}:{number}: {name} should be {side}-{area}-{last}")
    return clauses, wrong
