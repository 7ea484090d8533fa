# SPDX-License-Identifier: BSD-3-Clause
"""Build with meson, and read what its tests did."""

import json
import os
from pathlib import Path

from cases import of_program


def keep_what_is_compiled(root):
    """Whatever is compiled from here on, a cache outside the tree may know."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("CCACHE_DIR", str(cache / "vballoon" / "ccache"))
    # Trees in different places know of each other.
    os.environ.update(CCACHE_BASEDIR=str(root), CCACHE_NOHASHDIR="1")


def build(run, name, compiler, *options):
    """Configure and build in build-check/NAME: its path, or None when that failed."""
    env = {"CC": f"ccache {compiler}"}
    folder = run.builds / name
    again = ["--reconfigure"] if (folder / "build.ninja").exists() else []
    code, output = run.command(["meson", "setup", *again, *options, folder], env)
    if code:
        run.fail(f"{name}: meson setup", output)
        return None
    builds = run.check(f"{name}: builds", ["ninja", "-C", folder], env, needed=True)
    return folder if builds else None


# Suites that have a stage of their own.
APART = ["--no-suite=lint", "--no-suite=sim", "--no-suite=seeded", "--no-suite=planted"]


def test(run, folder, suites=APART):
    """Run tests of a build: every case of every program."""
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    # Many tests wait most of the time.
    together = f"--num-processes={2 * (os.cpu_count() or 1)}"
    options = ["--no-rebuild", "--timeout-multiplier=4", together]
    code, output = run.command(["meson", "test", "-C", folder, *options, *suites])
    before = len(run.cases)
    failed = False
    for line in log.read_text().splitlines() if log.exists() else []:
        entry = json.loads(line)
        written = entry.get("stdout", "") + entry.get("stderr", "")
        run.log.write(f"+ {entry['name']}\n{written.rstrip()}\n")
        # A program that meson killed, or that it calls failed, has failed.
        returncode = entry["returncode"] or (entry["result"] not in ("OK", "SKIP"))
        cases = of_program(entry["name"], returncode, written)
        failed = failed or any(case.outcome == "failed" for case in cases)
        run.cases += cases
    if len(run.cases) == before:
        run.fail(f"{folder.name}: no test ran", output)
    elif code and not failed:
        run.fail(f"{folder.name}: meson test", output)
