# SPDX-License-Identifier: BSD-3-Clause
"""Runs the stages of ./check, which sets up what they need and starts this."""

import argparse
import resource
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import children
import meson
from cases import FAILED, PASSED, SKIPPED, Case
from run import OverBudget, Run, conclude
from stages import FIRST_SECONDS, STAGES, WHOLE_SECONDS

ROOT = Path(__file__).resolve().parents[2]


def allowed_skips():
    """The cases that may be skipped, with the reason why, a line each."""
    lines = (ROOT / "scripts" / "allowed-skips.txt").read_text().splitlines()
    return dict(line.split("\t", 1) for line in lines if line and not line.startswith("#"))


def processor_seconds():
    """What all processes took that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def count(cases):
    return {word: sum(c.outcome == word for c in cases) for word in (PASSED, FAILED, SKIPPED)}


def tell_failure(case):
    print(f"  FAILED {case.name}")
    for line in case.detail.splitlines()[-40:]:
        print(f"    {line}")


def words_of(cases):
    """How many ended in which way, but for none."""
    return ", ".join(f"{n} {word}" for word, n in count(cases).items() if n)


def run_stage(stage, options, allowed):
    """Run one stage and tell of it. Returns its cases."""
    print(f"{stage.name:10} {stage.about}\n", end="", flush=True)  # in one piece beside another's
    budget = stage.budget + (stage.more if options.full else 0)
    run = Run(ROOT, stage.name, budget, options.full, options.only)
    try:
        stage.function(run)
    except OverBudget:
        run.fail(f"{stage.name}: over its budget of {budget} s")
    except Exception:  # a stage that stumbles has failed; the others still run
        run.fail(f"{stage.name}: the stage itself", traceback.format_exc())
    if not run.cases:
        run.fail(f"{stage.name}: nothing ran")
    for index, case in enumerate(run.cases):
        if case.outcome == SKIPPED and case.name not in allowed:
            run.cases[index] = case._replace(name=f"{case.name}: may not skip", outcome=FAILED)
    for case in run.cases:
        if case.outcome == FAILED:
            tell_failure(case)
        elif case.outcome == SKIPPED:
            print(f"  skipped {case.name}: {allowed[case.name]}")
    told = words_of(run.cases)
    log = run.log_path.relative_to(ROOT)
    if options.full and not options.only:
        conclude(run.log, told, run.seconds())
    print(f"{'':10} {told}; {run.seconds():.0f} s of {budget} s; {log}", flush=True)
    return run.cases


def turns(chosen, full):
    """The stages in order, those that are run side by side together: none with --full, which times
    what they do."""
    turn = []
    for stage in chosen:
        turn.append(stage)
        if full or not stage.waits:
            yield turn
            turn = []
    if turn:
        yield turn


def run_turn(turn, options, allowed):
    if len(turn) == 1:
        return run_stage(turn[0], options, allowed)
    with ThreadPoolExecutor(len(turn)) as pool:
        found = [pool.submit(run_stage, stage, options, allowed) for stage in turn]
        return [case for future in found for case in future.result()]


def main():
    parser = argparse.ArgumentParser(prog="./check")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", metavar="CHECK")
    parser.add_argument(
        "--stage", action="append", metavar="NAME", choices=[stage.name for stage in STAGES]
    )
    options = parser.parse_args()
    if options.list:
        for stage in STAGES:
            print(f"{stage.name:10} {stage.budget:5} s  {stage.about}")
        return 0
    began = time.monotonic()
    may_take = WHOLE_SECONDS if (ROOT / "build-check").exists() else FIRST_SECONDS
    meson.keep_what_is_compiled(ROOT)
    allowed = allowed_skips()
    cases = []
    chosen = [stage for stage in STAGES if (
        stage.name in options.stage if options.stage else options.full or not stage.full_only)]
    for turn in turns(chosen, options.full):
        cases += run_turn(turn, options, allowed)
    took = time.monotonic() - began
    if options.full:
        print(f"{'all':10} {took:.0f} s")
        if not options.stage and not options.only:
            with open(ROOT / "build-check" / "logs" / "all.log", "w") as log:
                conclude(log, words_of(cases), took)
    else:
        print(f"{'all':10} {took:.0f} s of {may_take} s, {processor_seconds():.0f} s of processors")
        if took > may_take:
            cases.append(Case(f"all: over {may_take} s", FAILED, ""))
    for case in cases:  # once more, where a reader looks
        if case.outcome == FAILED:
            tell_failure(case)
    total = count(cases)
    print(", ".join(f"{n} {word}" for word, n in total.items()))
    return 1 if total[FAILED] or not total[PASSED] else 0


try:
    with children.nothing_left():
        code = main()
except children.Interrupted:
    print("interrupted: nothing is judged", file=sys.stderr)
    code = 130
sys.exit(code)
