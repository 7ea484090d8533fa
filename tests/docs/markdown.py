# SPDX-License-Identifier: BSD-3-Clause
"""What a test reads in a document, Markdown or a manual page: its blocks and its tables."""

import re
import shlex
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A block, and the comment right before it, which tells how it is to be tried.
BLOCK = re.compile(r"^(?:<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Block = namedtuple("Block", "path line comment language text")


def read(path):
    return (ROOT / path).read_text()


def documents():
    """Every document of the tree that may have commands, by its path."""
    found = [ROOT / "README.md", ROOT / "kernel/README.md",
             *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "docs/man").glob("*.scd"))]
    return [path.relative_to(ROOT).as_posix() for path in found]


def blocks(path):
    """A document's blocks in order."""
    text = read(path)
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(2)) + 1
        if path.endswith(".scd"):  # says no language, and escapes
            language = "ini" if found[3].startswith("[") else "sh"
            yield Block(path, line, "", language, found[3].replace("\\\\", "\\"))
        else:
            yield Block(path, line, found[1] or "", found[2], found[3])


def commands(text):
    """The commands of a block, as lists of words."""
    for line in text.replace("\\\n", "").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


def table(path, heading, columns="|"):
    """The rows of the first table below a heading whose first line begins so, as
    lists of cells."""
    below = read(path).split(f"\n{heading}\n", 1)[1]
    lines = re.search(rf"^{re.escape(columns)}.*\n\|-.*\n((?:\|.*\n)+)", below, re.MULTILINE)[1]
    return [[cell.strip() for cell in re.split(r"\|", line)[1:-1]] for line in lines.splitlines()]


def names(cell):
    """What is in `backticks`."""
    return re.findall(r"`([^`]+)`", cell)
