#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""mutate.py IN OUT OLD NEW: copy a source file with one fault in it.

OLD must be there exactly once: when the code has moved on, so must the fault.
"""

import sys
from pathlib import Path


def main():
    source, out, old, new = sys.argv[1:]
    text = Path(source).read_text()
    if text.count(old) != 1:
        sys.exit(f"{source}: found {text.count(old)} times, not once: {old!r}")
    Path(out).write_text(text.replace(old, new))


if __name__ == "__main__":
    main()
