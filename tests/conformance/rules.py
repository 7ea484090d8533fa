#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""rules.py CONFORMANCE DOCUMENT: each rule of the traditional balloon in the document has a case
in the suite, and each case names a rule that is there."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROW = re.compile(r"^\| (TRAD-[A-Z]+|TRAD-x)-(\d+) \|", re.MULTILINE)
EITHER = ("TRAD-INFLATE", "TRAD-DEFLATE")


def documented(text):
    for area, number in ROW.findall(text):
        for name in EITHER if area == "TRAD-x" else (area,):
            yield f"{name}-{number}"


def main():
    suite, document = sys.argv[1:]
    listed = subprocess.run(
        [suite, "--device", "5", "--list", "--json"], capture_output=True, text=True, check=True
    )
    cases = [json.loads(line) for line in listed.stdout.splitlines()]
    tried = {case["clause"] for case in cases if case["clause"].startswith("TRAD-")}
    told = set(documented(Path(document).read_text()))
    for rule in sorted(told - tried):
        print(f"{rule}: no case tries it")
    for rule in sorted(tried - told):
        print(f"{rule}: {document} does not have it")
    print(f"{len(told)} rules, {len(cases)} cases")
    return told != tried or not told


if __name__ == "__main__":
    sys.exit(main())
