# SPDX-License-Identifier: BSD-3-Clause
"""What a test reads in a document: its commands and its tables."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(path):
    return (ROOT / path).read_text()


def commands(path):
    """The commands in a document's sh blocks, as lists of words."""
    for block in re.findall(r"^```sh\n(.*?)^```", read(path), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield shlex.split(line)


def table(path, heading, columns="|"):
    """The rows of the first table below a heading whose first line begins so, as
    lists of cells."""
    below = read(path).split(f"\n{heading}\n", 1)[1]
    lines = re.search(rf"^{re.escape(columns)}.*\n\|-.*\n((?:\|.*\n)+)", below, re.MULTILINE)[1]
    return [[cell.strip() for cell in re.split(r"\|", line)[1:-1]] for line in lines.splitlines()]


def names(cell):
    """What is in `backticks`."""
    return re.findall(r"`([^`]+)`", cell)
