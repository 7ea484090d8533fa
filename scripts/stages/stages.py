# SPDX-License-Identifier: BSD-3-Clause
"""The stages of ./check, in order, each with the seconds that it may take.

A budget is two to three times what the stage takes on two quiet cores, so that
a busy machine does not fail it and a stage that has grown slow does.
"""

import json
import os
import random
import sys
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import meson
from cases import PASSED

# What the module is for; the last is the newest backport.
KERNELS = ("6.1", "6.12", "7")
# One that finds mistakes while it runs; it is built for the purpose, once.
DEBUG_KERNEL = "debug"
# What ./demo --json tells at its end, and what must hold for it.
DEMO = {
    "vmm": str,
    "accel": str,
    "guest_kernel": str,
    "init_on_alloc": int,
    "guest_mib": int,
    "target_mib": int,
    "inflate_seconds": float,
    "host_returned_mib": float,
    "guest_free_drop_mib": float,
    "deflate_seconds": float,
    "memory_intact": bool,
    "peer_inflate_seconds": float,
    "peer_deflate_seconds": float,
}

# What ./demo may take where all that it needs is there, on a quiet machine: looked at with --full.
DEMO_SECONDS = 60
# Conformance is tried on every case with every pair of features; so many cases at least are of what
# a peer does wrong, and of those without rings.
PAIRWISE = ["--pairwise", "--json"]
NEGATIVE = 200
NEGATIVE_OF_PAGES = 50
# What all stages may take together, without --full: where they have run before, and the first time.
WHOLE_SECONDS = 1800
FIRST_SECONDS = 3000

# What it may take longer with --full is `more`. One that waits, or has one processor to do, is run
# beside the next.
Stage = namedtuple(
    "Stage", "name budget about function full_only more waits", defaults=[False, 0, False]
)


def static(run):
    checks = {name: [sys.executable, f"scripts/check-{name}.py", "."] for name in ("layers", "text", "trust")}
    checks["clauses"] = [sys.executable, "scripts/clauses", "--complete", "."]
    checks |= {name: [f"scripts/check-{name}.sh", "."] for name in ("format", "scripts", "headers")}
    checks["interrupt"] = [sys.executable, "tests/gates/interrupt.py"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: run.check(name, checks[name]), checks))


def build_gcc(run):
    return meson.build(run, "gcc", "gcc")


def build_sanitize(run):
    return meson.build(run, "sanitize", "gcc", "-Db_sanitize=address,undefined", "-Dplanted=false")


def clauses_proven(run):
    """Every test that is said to prove a clause has run, and passed."""
    ran = {case.name.rsplit(": ", 1)[-1] for case in run.cases if case.outcome == PASSED}
    _, output = run.command([sys.executable, "scripts/clauses", "--proofs", "."])
    missing = [name for name in output.split() if name not in ran]
    run.verify("every proof has run", not missing, "proofs that have not run:\n" + "\n".join(missing))


def gcc(run):
    folder = build_gcc(run)
    if folder:
        run.check("freestanding", [sys.executable, "scripts/check-freestanding.py", ".", folder])
        meson.test(run, folder)
        clauses_proven(run)
        run.log.flush()
        run.check("tests that docs/trust.md names",
                  [sys.executable, "scripts/check-trust.py", ".", run.log_path])
        if run.full:
            for test in ("unit/test_guest_subsets", "proto/test_daemon_port"):
                run.check(f"every feature subset: {test}", [folder / "tests" / test, "--all"])
            run.check("deaths of a supervisor", [folder / "tests/proto/test_daemon_heirs", "--all"])


def clang(run):
    """What takes long is the suite's waiting, whichever compiler it is of."""
    folder = meson.build(run, "clang", "clang", "-Dplanted=false")
    if folder:
        meson.test(run, folder, meson.APART + ["--no-suite=conformance"] * (not run.full))


def sanitize(run):
    folder = build_sanitize(run)
    if folder:
        meson.test(run, folder)


def conformance(run):
    folder = build_gcc(run)
    if not folder:
        return
    program = folder / "src/conformance/vballoon-conformance"
    daemon = [folder / "src/daemon/vballoond", "--no-config", "--socket-path", "%s"]
    begin_round = f"{folder}/src/cli/vballoonctl --control-path %s.control reclaim-free"
    # What a front end can do wrong is the same whatever the features: the tests have it once.
    topics = ["config", "features", "queues", "inflate", "deflate", "stats", "hint", "round", "report",
              "reset", "restart"]
    cases = [f"--case=trad-{topic}" for topic in topics]
    rings = ["--case=ring-split", "--case=ring-packed"]
    traditional = [program, "--device=5", *cases, f"--begin-round={begin_round}"]
    behind = ["--", *daemon, "--device=traditional", "--control-path=%s.control"]
    suites = {
        "conformance": ([program, *PAIRWISE, "--", *daemon], NEGATIVE),
        "traditional": ([*traditional, *rings, *PAIRWISE, *behind], NEGATIVE),
        # Of the two opposites the other is offered then.
        "silent-deflate": ([*traditional, "--json", *behind, "--features=-must-tell-host"], NEGATIVE_OF_PAGES),
    }
    # They wait for daemons most of the time.
    with ThreadPoolExecutor() as pool:
        told = pool.map(run.command, [command for command, _ in suites.values()])
        meson.test(run, folder, ["--suite=seeded"])
    for (name, (_, negative)), (code, output) in zip(suites.items(), told, strict=True):
        judge(run, name, code, output, negative)


def judge(run, name, code, output, negative):
    """What a suite has found; so many of its cases at least broke a rule, and were not skipped."""
    try:
        *rows, figures = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    except ValueError:
        run.fail(f"{name}: its lines are no JSON", output)
        return
    tried = {(row["topic"], row["case"]) for row in rows if row["negative"] and row["outcome"] != "SKIP"}
    figures["negative_cases"] = len(tried)
    print(f"{'':10} " + ", ".join(f"{value} {figure}" for figure, value in figures.items()))
    bad = "\n".join(line for line in output.splitlines() if '"FAIL"' in line or '"WEDGED"' in line)
    run.verify(f"{name}: no case fails", code == 0 and not figures["fail"], bad or output)
    run.verify(f"{name}: nothing is wedged", figures["wedged"] == 0, bad)
    run.verify(f"{name}: {negative} negative cases", len(tried) >= negative, output)


def sim(run):
    plain, sanitized = build_gcc(run), build_sanitize(run)
    if not plain or not sanitized:
        return
    meson.test(run, plain, ["--suite=sim"])
    simulator = "tests/sim/vballoon-sim"
    run.check("sim: sanitized", [sanitized / simulator, "--schedules", "1000"])
    if run.full:
        # Seeds that nobody has run before; the log has them.
        seed = str(random.SystemRandom().randrange(1 << 48))
        run.check("sim: new seeds", ["tests/sim/many.py", "--within", "600", plain / simulator, "1000000", seed])
        run.check("sim: new seeds, deaths", ["tests/sim/many.py", "--deaths", plain / simulator, "100000", seed])
        traditional = plain / "tests/sim/traditional/vballoon-trad-sim"
        run.check("sim: new seeds, traditional", ["tests/sim/many.py", traditional, "100000", seed])


def models(run):
    run.check("models", ["tests/models/run"])


def proofs(run):
    run.check("proofs", ["tests/proofs/run"])


def fuzz(run):
    """The kept inputs find what is planted; new ones are looked for. The other stages that run
    the tests replay the kept ones."""
    folder = build_gcc(run)
    if not folder:
        return
    meson.test(run, folder, ["--suite=planted"])
    limit = ["--seconds", "60" if run.full else "20"]
    command = ["tests/fuzz/run", "--build", run.builds / "fuzz", *limit]
    run.check("fuzz", command, {"CC": "ccache clang"})


def hostile(run):
    folder = build_gcc(run)
    if folder:
        run.check("hostile", ["tests/hostile/run", "--build", folder])


def coverage(run):
    run.check("coverage", ["tests/coverage/run", "--build", run.builds / "coverage"])


def wall(run):
    run.check("wall", ["tests/wall/run", "--out", run.builds / "wall"])


def bed(run):
    run.check("bed", ["tests/bed/setup"])
    run.check("bed: what proves", ["tests/proofs/run", "--prepare"])


def module(run):
    for version in KERNELS:
        run.check(f"module {version}", ["tests/bed/check-module", version])
    run.check("module: style", ["tests/bed/check-style"])


def docs(run):
    run.check("docs", ["tests/docs/run"])


def e2e(run):
    run.tell("e2e", ["tests/e2e/run"])


def kernels(run):
    for version in KERNELS:
        run.tell(f"e2e on Linux {version}", ["tests/e2e/run", "--full", "--kernel", version])
        run.check(f"demo of the traditional balloon on Linux {version}",
                  ["./demo", "--device", "traditional", "--kernel", version, "--json"])
    # Slow enough without the long forms, but for one that a driver's mistakes add up in.
    run.tell("e2e on a kernel that finds mistakes",
             ["tests/e2e/run", "--cpus", "2", "--kernel", DEBUG_KERNEL, "--thorough", "rebind"])


def demo(run):
    began = run.seconds()
    code, output = run.command(["./demo", "--json"])
    took = run.seconds() - began
    try:
        result = json.loads(output.rstrip().rsplit("\n", 1)[-1])
    except ValueError:
        run.fail("demo: its last line is no JSON", output)
        return
    run.verify("demo: exits with 0", code == 0, output)
    run.verify(
        "demo: tells all fields, and each has its type",
        {name: type(value) for name, value in result.items()} == DEMO,
        output,
    )
    run.verify(
        "demo: the host has 99 % of the target back",
        result.get("host_returned_mib", 0) >= 0.99 * result.get("target_mib", 1),
        output,
    )
    run.verify("demo: memory is intact", result.get("memory_intact") is True, output)
    if run.full:
        run.verify(
            f"demo: done within {DEMO_SECONDS} s", took < DEMO_SECONDS, f"{took:.1f} s\n{output}"
        )


def known_misses(root):
    """What rows have to reach that are known to miss their bar."""
    lines = (root / "scripts" / "known-misses.txt").read_text().splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {work: float(least) for work, least, _ in rows}


def bench(run):
    code, output = run.command(["bench/run", "--quick", "--json"])
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    run.verify("bench: all of it has run", code in (0, 1) and rows, output)
    least = known_misses(run.root)
    for row in rows:
        if "skipped" in row:
            run.skip(f"bench: {row['work']}", row["skipped"])
            continue
        # A bar that is not to be passed is no known miss.
        is_known = "bar_is" not in row and row.get("ratio", 0) >= least.get(row["work"], float("inf"))
        run.verify(f"bench: {row['work']}", row.get("met", True) or is_known, json.dumps(row))


def cost(run):
    run.check("cost", ["bench/entry_cost"])


def gates(run):
    options = ["--full"] if run.full else []
    run.check("gates", [sys.executable, "tests/gates/run.py", *options])


def install(run):
    run.check("install", ["tests/install/run"])


STAGES = [
    Stage("static", 240, "layers, headers, format, text, clauses, scripts; what Ctrl-C leaves", static),
    Stage("gcc", 400, "build with gcc, freestanding archives, tests", gcc, more=200),
    Stage("clang", 400, "build with clang, tests", clang),
    Stage("sanitize", 600, "build with address and undefined sanitizers, tests", sanitize),
    Stage("conformance", 240, "vballoond keeps the specification, every pair of features", conformance, waits=True),
    Stage("models", 180, "every order of events between two sides; planted faults are found", models),
    Stage("sim", 240, "100,000 schedules with faults; planted faults are found", sim, more=1200),
    Stage("fuzz", 600, "what peers can send, fuzzed for a while; planted faults are found", fuzz, more=600),
    Stage("hostile", 600, "every hostile peer, 100,000 random messages; with --full", hostile, full_only=True),
    Stage("coverage", 900, "how much of core and protocol the tests run; with --full", coverage, full_only=True),
    Stage("wall", 1500, "analyzers, valgrind, sanitizers of memory and threads; with --full", wall, full_only=True),
    Stage("cost", 120, "instructions that an entry takes, beside those recorded", cost),
    Stage("bed", 600, "QEMU, a guest's kernel and its headers, CBMC", bed),
    Stage("module", 500, "the Linux module for three kernels: W=1, sparse, checkpatch", module),
    Stage("docs", 360, "the documents' commands run, their tables agree", docs, waits=True),
    Stage("proofs", 240, "steps that the rest builds on, for every value of their numbers; planted faults are found", proofs),
    Stage("e2e", 1200, "a real guest under QEMU, a scenario a case", e2e),
    Stage(
        "kernels",
        7200,
        "the same, longer, on each kernel and one that finds mistakes; with --full",
        kernels,
        full_only=True,
    ),
    Stage("demo", 180, "./demo on a real guest", demo, waits=True),
    Stage("bench", 900, "how fast, beside its peers and the host; with --full", bench, full_only=True),
    Stage("install", 1500, "Debian packages, in clean roots; with --full", install, full_only=True),
    Stage("gates", 900, "every check turns red on a seeded defect", gates, more=1800),
]
