#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prove that the stages of ./check can fail.

usage: run.py [--full | NAME...]

Each gate copies the tree, puts one defect into the copy, runs one stage there,
and passes when that stage turns red and says why. A check that was never seen
to fail proves nothing. Defects that one run of a stage finds all share a copy,
but with --full.
"""

import re
import shlex
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from table import GATES

ROOT = Path(__file__).resolve().parents[2]
# What comes and goes while others run is not part of the tree.
NOT_COPIED = shutil.ignore_patterns(".git", "build", "build-*", "__pycache__")
sys.path.insert(0, str(ROOT / "scripts/stages"))

import children  # noqa: E402  (found by the line above)


def verdict(gate, code, output):
    """How a gate ended, as the line that tells of it."""
    last = output.rstrip().rsplit("\n", 1)[-1]
    closing = re.fullmatch(r"\d+ passed, \d+ failed, (\d+) skipped", last)
    if not closing:
        wrong = "has no closing line"
    elif gate.says is None:
        wrong = "is red" if code else None
    elif code == 0 and closing.group(1) != "0":
        return f"skip - {gate.name}"  # perhaps the very check that would have seen it
    elif code == 0:
        wrong = "stayed green"
    else:
        wrong = None if re.search(gate.says, output) else f"is red, but not for {gate.says!r}"
    if wrong:
        return f"not ok - {gate.name}: {gate.stage} {wrong}\n{output}"
    return f"ok - {gate.name}"


def run(gates):
    """The results of gates of one stage, whose defects are in one tree, as text."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vballoon-gate-") as folder:
        tree = Path(folder, "tree")
        shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
        try:
            for gate in gates:
                gate.defect(tree)
        except (OSError, ValueError) as error:
            return f"not ok - {gate.name}: {error}"
        stage = [sys.executable, "scripts/stages", "--stage", *shlex.split(gates[0].stage)]
        code, output = children.run(stage, cwd=tree)
    told = [verdict(gate, code, output) for gate in gates]
    return "\n".join([*told, f"    {time.monotonic() - began:.1f} s"])


def together(gates):
    """Those gates together that one run of a stage can judge."""
    shared = {}
    for gate in gates:
        shape = getattr(gate.defect, "shape", None) if gate.says else None
        shared.setdefault((gate.stage, shape or gate.name), []).append(gate)
    return list(shared.values())


def main():
    words = sys.argv[1:]
    full = words == ["--full"]
    if unknown := set(words) - {"--full"} - {gate.name for gate in GATES}:
        sys.exit(f"gates: there is no such gate: {', '.join(sorted(unknown))}")
    chosen = [gate for gate in GATES if gate.name in words or full or not (words or gate.full_only)]
    trials = [[gate] for gate in chosen] if full else together(chosen)
    failed = False
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(run, trials):
            print(result, flush=True)
            failed |= "not ok - " in result
    return 1 if failed else 0


try:
    with children.nothing_left():
        code = main()
except children.Interrupted:
    code = 130
sys.exit(code)
