# SPDX-License-Identifier: BSD-3-Clause
"""Build with meson, and read what its tests did."""

import json

from cases import of_program


def build(run, name, options=(), env=None):
    """Configure and build in build-check/NAME: its path, or None when that failed."""
    folder = run.builds / name
    again = ["--reconfigure"] if (folder / "build.ninja").exists() else []
    code, output = run.command(["meson", "setup", *again, *options, folder], env)
    if code:
        run.fail(f"{name}: meson setup", output)
        return None
    return folder if run.check(f"{name}: builds", ["ninja", "-C", folder]) else None


# Suites that have a stage of their own.
APART = ["--no-suite=lint", "--no-suite=sim", "--no-suite=seeded", "--no-suite=planted"]


def test(run, folder, suites=APART):
    """Run tests of a build: every case of every program."""
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    options = ["--no-rebuild", "--timeout-multiplier=4"]
    code, output = run.command(["meson", "test", "-C", folder, *options, *suites])
    before = len(run.cases)
    failed = False
    for line in log.read_text().splitlines() if log.exists() else []:
        entry = json.loads(line)
        written = entry.get("stdout", "") + entry.get("stderr", "")
        # A program that meson killed, or that it calls failed, has failed.
        returncode = entry["returncode"] or (entry["result"] not in ("OK", "SKIP"))
        cases = of_program(entry["name"], returncode, written)
        failed = failed or any(case.outcome == "failed" for case in cases)
        run.cases += cases
    if len(run.cases) == before:
        run.fail(f"{folder.name}: no test ran", output)
    elif code and not failed:
        run.fail(f"{folder.name}: meson test", output)
