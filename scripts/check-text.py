#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Look at every text file: its licence line, its ends of lines, its links.

A source file or script names its licence in its first lines; no file keeps a
note of work left undone; a link in a document leads somewhere.
"""

import os
import re
import sys
from pathlib import Path

BOTH = "GPL-2.0 OR BSD-3-Clause"
SHARED = ("kernel/", "src/driver/decide/", "include/vballoon/abi/")
SKIPPED = {".git", "__pycache__", "build"}
LICENSED = {".c", ".h", ".py", ".sh"}
LICENSED_NAMES = {"Makefile", "Kbuild", "meson.build", "meson_options.txt"}
UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def files(root):
    """Every file of the tree but what is built and what git keeps."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("build-"))
        for name in sorted(names):
            yield Path(folder, name)


def licence_complaint(path, text):
    name = path.rsplit("/", 1)[-1]
    if not (Path(name).suffix in LICENSED or name in LICENSED_NAMES or text.startswith("#!")):
        return None
    match = re.search(r"SPDX-License-Identifier: (.*?)(?: \*/)?$", text[:400], re.MULTILINE)
    if not match:
        return "names no licence"
    expected = BOTH if path.startswith(SHARED) else "BSD-3-Clause"
    if match.group(1) != expected:
        return f"is {match.group(1)}, not {expected}"
    return None


def complaints(root, file):
    path = file.relative_to(root).as_posix()
    try:
        text = file.read_text()
    except UnicodeDecodeError:
        return
    wrong = licence_complaint(path, text)
    if wrong:
        yield f"{path}: {wrong}"
    if path.startswith("LICENSES/"):
        return
    if text and not text.endswith("\n"):
        yield f"{path}: has no newline at its end"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield f"{path}:{number}: ends in white space"
        if UNDONE.search(line):
            yield f"{path}:{number}: leaves something undone"
    if file.suffix == ".md":
        for target in LINK.findall(text):
            if "://" not in target and not (file.parent / target).exists():
                yield f"{path}: links to {target}, which is not there"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = [wrong for file in files(root) for wrong in complaints(root, file)]
    for wrong in found:
        print(wrong)
    return 1 if found else 0


sys.exit(main())
