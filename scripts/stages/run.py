# SPDX-License-Identifier: BSD-3-Clause
"""One run of one stage: its commands, its log, its deadline, its cases."""

import os
import time

import children
from cases import FAILED, PASSED, SKIPPED, Case, of_program


class OverBudget(Exception):
    """The stage took longer than it may."""


def conclude(log, told, seconds):
    """How all of --full ended, in the last line of its log: scripts/check-trust.py reads that."""
    log.write(f"= {told} in {seconds:.0f} s\n")
    log.flush()


class Run:
    def __init__(self, root, name, budget, full, only=None):
        self.root = root
        self.full = full
        self.only = only  # the one check to run
        self.builds = root / "build-check"
        self.cases = []
        self.started = time.monotonic()
        self.deadline = self.started + budget
        self.log_path = self.builds / "logs" / f"{name}.log"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log = open(self.log_path, "w")

    def seconds(self):
        return time.monotonic() - self.started

    def command(self, argv, env=None):
        """Run a command to its end or to the deadline: (exit code, what it wrote)."""
        self.log.write("+ " + " ".join(map(str, argv)) + "\n")
        left = max(self.deadline - time.monotonic(), 0)
        try:
            code, output = children.run(argv, left, cwd=self.root, env={**os.environ, **(env or {})})
        except children.TooLong as too_long:
            self.log.write(str(too_long))
            raise OverBudget from None
        self.log.write(output)
        return code, output

    def check(self, name, argv, env=None, needed=False):
        """A command that is one check, or tells of several. True: nothing failed. What others
        need is run even where it is not the one to run."""
        if self.only not in (None, name) and not needed:
            return True
        return self._take(name, *self.command(argv, env))

    def tell(self, name, argv):
        """The same, and its last line is shown."""
        if self.only not in (None, name):
            return True
        code, output = self.command(argv)
        print(f"{'':10} " + output.rstrip().rsplit("\n", 1)[-1], flush=True)
        return self._take(name, code, output)

    def _take(self, name, code, output):
        cases = of_program(name, code, output)
        self.cases += cases
        return all(case.outcome != FAILED for case in cases)

    def verify(self, name, holds, detail):
        """A check of what a command wrote."""
        self.cases.append(Case(name, PASSED if holds else FAILED, "" if holds else detail))

    def skip(self, name, why):
        self.cases.append(Case(name, SKIPPED, why))

    def fail(self, name, detail=""):
        self.cases.append(Case(name, FAILED, detail))
