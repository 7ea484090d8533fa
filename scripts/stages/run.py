# SPDX-License-Identifier: BSD-3-Clause
"""One run of one stage: its commands, its log, its deadline, its cases."""

import contextlib
import os
import signal
import subprocess
import time

from cases import FAILED, PASSED, Case, of_program


class OverBudget(Exception):
    """The stage took longer than it may."""


class Interrupted(BaseException):
    """Somebody wants no more of this."""


def end(process):
    """End a process and all that it started. Returns what it wrote."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        return process.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def conclude(log, told, seconds):
    """How all of --full ended, in the last line of its log: scripts/check-trust.py reads that."""
    log.write(f"= {told} in {seconds:.0f} s\n")
    log.flush()


class Run:
    running = set()  # processes of all runs
    interrupted = False

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
        if Run.interrupted:
            raise Interrupted
        self.log.write("+ " + " ".join(map(str, argv)) + "\n")
        process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=self.root,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        Run.running.add(process)
        try:
            output, _ = process.communicate(timeout=max(self.deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            self.log.write(end(process))
            raise OverBudget from None
        except KeyboardInterrupt:
            Run.interrupt()
            raise
        finally:
            Run.running.discard(process)
        self.log.write(output)
        if Run.interrupted:
            raise Interrupted
        return process.returncode, output

    @classmethod
    def interrupt(cls):
        """End what runs, in whichever thread, and begin nothing more."""
        cls.interrupted = True
        for process in list(cls.running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)

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

    def fail(self, name, detail=""):
        self.cases.append(Case(name, FAILED, detail))
