# SPDX-License-Identifier: BSD-3-Clause
"""What is said to a person, in lines that fit."""

import shutil
import sys
import textwrap


def say(text: str) -> None:
    """A sentence, or several, on lines of their own; those that a terminal has no room for go on
    below, as far in as they begin."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(wrapped(line, width) for line in text.split("\n"))
    print(text, flush=True)


def wrapped(line: str, width: int) -> str:
    indent = line[:len(line) - len(line.lstrip())]
    return textwrap.fill(line.strip(), width, initial_indent=indent, subsequent_indent=indent,
                         break_long_words=False, break_on_hyphens=False)
