# SPDX-License-Identifier: BSD-3-Clause
"""The stages of ./check, in order, each with the seconds that it may take.

A budget is two to three times what the stage takes on two quiet cores, so that
a busy machine does not fail it and a stage that has grown slow does.
"""

import sys
from collections import namedtuple

import meson

Stage = namedtuple("Stage", "name budget about function")


def static(run):
    for name in ("layers", "text"):
        run.check(name, [sys.executable, f"scripts/check-{name}.py", "."])
    for name in ("headers", "format", "scripts"):
        run.check(name, [f"scripts/check-{name}.sh", "."])


def gcc(run):
    folder = meson.build(run, "gcc", env={"CC": "gcc"})
    if folder:
        run.check("freestanding", [sys.executable, "scripts/check-freestanding.py", ".", folder])
        meson.test(run, folder)


def clang(run):
    folder = meson.build(run, "clang", env={"CC": "clang"})
    if folder:
        meson.test(run, folder)


def sanitize(run):
    folder = meson.build(run, "sanitize", ["-Db_sanitize=address,undefined"], {"CC": "gcc"})
    if folder:
        meson.test(run, folder)


def gates(run):
    run.check("gates", [sys.executable, "tests/gates/run.py"])


STAGES = [
    Stage("static", 60, "layers, headers, format, text, scripts", static),
    Stage("gcc", 180, "build with gcc, freestanding archives, tests", gcc),
    Stage("clang", 180, "build with clang, tests", clang),
    Stage("sanitize", 300, "build with address and undefined sanitizers, tests", sanitize),
    Stage("gates", 180, "every check turns red on a seeded defect", gates),
]
