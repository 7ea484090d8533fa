#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What ./check and the gates have started ends with them when they are interrupted, and when its
time is over; no temporary file is left, and nothing is judged.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAGES = [sys.executable, "scripts/stages"]
PATIENCE_S = 60

# The stages of the copy. A command leaves a file, has a child, says that it runs, and would for ever.
COMMAND = "mktemp >/dev/null; exec 3<>$FIFO; {}; sleep 100 & echo >&3; wait"
TABLE = f"""
WAITS = "{COMMAND.format(":")}"
# It does not listen, a child of its is in another session, and nobody waits for what they write.
STUBBORN = "{COMMAND.format("exec >/dev/null 2>&1; trap '' TERM; setsid sleep 100 & :")}"


def lone(run):
    run.check("lone", ["sh", "-c", WAITS])


def together(run):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: run.check(name, ["sh", "-c", WAITS]), ("one", "other")))


def stubborn(run):
    run.check("stubborn", ["sh", "-c", STUBBORN])


STAGES = [
    Stage("lone", 600, "", lone),
    Stage("beside", 600, "", lone, waits=True),
    Stage("together", 600, "", together),
    Stage("stubborn", 600, "", stubborn),
    # Enough to begin, on a machine where much else has just begun.
    Stage("short", 5, "", lone),
]
"""
GATE = """
GATES = [Gate("red", "lone", lambda tree: None, "red")]
"""

# What is run, in how many commands it then is, what it is sent, and how it ends.
Trial = namedtuple("Trial", "name argv commands number code")
TRIALS = [
    Trial("a lone command", [*STAGES, "--stage=lone"], 1, signal.SIGINT, 130),
    Trial("commands of a stage", [*STAGES, "--stage=together"], 2, signal.SIGINT, 130),
    Trial("stages side by side", [*STAGES, "--stage=beside", "--stage=together"], 3, signal.SIGINT, 130),
    Trial("a command that does not listen", [*STAGES, "--stage=stubborn"], 1, signal.SIGINT, 130),
    Trial("what is told to end", [*STAGES, "--stage=lone"], 1, signal.SIGTERM, 130),
    Trial("what has had its time", [*STAGES, "--stage=short"], 1, None, 1),
    Trial("a gate", [sys.executable, "tests/gates/run.py"], 1, signal.SIGTERM, 130),
]


def copy(tree):
    """The runners, with stages of their own, and less patience."""
    for part in ("scripts/stages", "tests/gates"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "scripts/allowed-skips.txt", tree / "scripts")
    for path, text in (("scripts/stages/stages.py", TABLE), ("tests/gates/table.py", GATE)):
        with open(tree / path, "a") as file:
            file.write(text)
    children = tree / "scripts/stages/children.py"
    children.write_text(children.read_text().replace("GRACE_SECONDS = 10", "GRACE_SECONDS = 1"))


def await_commands(fifo, count):
    while count:
        if not select.select([fifo], [], [], PATIENCE_S)[0]:
            raise TimeoutError("its commands do not begin")
        count -= len(os.read(fifo, count))


def somebody_has(fifo):
    """Whether a process has it open still."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def attempt(trial, tree, folder):
    """What is wrong when it is ended."""
    fifo, place = folder / "fifo", folder / "tmp"
    place.mkdir(parents=True)
    os.mkfifo(fifo)
    heard = os.open(fifo, os.O_RDWR)
    runner = subprocess.Popen(
        trial.argv, cwd=tree, env={**os.environ, "FIFO": str(fifo), "TMPDIR": str(place)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        await_commands(heard, trial.commands)
        if trial.number:
            runner.send_signal(trial.number)
        output, _ = runner.communicate(timeout=PATIENCE_S)
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        runner.kill()
        return [str(error), runner.communicate()[0]]
    finally:
        os.close(heard)
    judged = "passed" in output or "ok - " in output
    wrong = [
        somebody_has(fifo) and "a process is left",
        any(place.iterdir()) and f"files are left: {[path.name for path in place.iterdir()]}",
        runner.returncode != trial.code and f"its exit code is {runner.returncode}",
        trial.code == 130 and ("FAILED" in output or judged) and "it judges what has not ended",
    ]
    wrong = list(filter(None, wrong))
    return wrong and [*wrong, output]


def main():
    failed = False
    with tempfile.TemporaryDirectory(prefix="vballoon-interrupt-") as scratch:
        tree = Path(scratch, "tree")
        copy(tree)
        with ThreadPoolExecutor(len(TRIALS)) as pool:
            folders = [Path(scratch, str(number)) for number in range(len(TRIALS))]
            found = pool.map(attempt, TRIALS, [tree] * len(TRIALS), folders)
            for trial, wrong in zip(TRIALS, found, strict=True):
                failed |= bool(wrong)
                print(f"{'not ok' if wrong else 'ok'} - {trial.name}", *wrong, sep="\n    ")
    return 1 if failed else 0


sys.exit(main())
