#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""mutate.py IN OUT OLD NEW [OLD NEW]...: copy a source file with a fault in it.

OLD must be there exactly once: when the code has moved on, so must the fault.
"""

import sys
from pathlib import Path


def main():
    source, out, *changes = sys.argv[1:]
    text = Path(source).read_text()
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        if text.count(old) != 1:
            sys.exit(f"{source}: found {text.count(old)} times, not once: {old!r}")
        text = text.replace(old, new)
    Path(out).write_text(text)


if __name__ == "__main__":
    main()
