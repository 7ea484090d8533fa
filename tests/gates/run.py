#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prove that the stages of ./check can fail.

Each gate copies the tree, puts one defect into the copy, runs one stage there,
and passes when that stage turns red and says why. A check that was never seen
to fail proves nothing.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "tests" / "gates" / "seeds"

# A gate: what it is, the defect (a function of the copied tree), the stage that
# must turn red, perhaps with options, and what it must say. None: it must be green. What
# takes long is tried only when all is.
Gate = namedtuple("Gate", "name stage defect says full_only", defaults=[False])


def append(path, text):
    def defect(tree):
        with open(tree / path, "a") as file:
            file.write(text)

    return defect


def replace(path, old, new):
    def defect(tree):
        text = (tree / path).read_text()
        if old not in text:
            raise ValueError(f"{path} has no {old!r} any more: the gate tests nothing")
        (tree / path).write_text(text.replace(old, new, 1))

    return defect


def program(path, text):
    """A program does something else."""

    def defect(tree):
        (tree / path).write_text(f"#!/bin/sh\n{text}\n")

    return defect


def demo_that_tells(**wrong):
    """The demo tells at its end what is wrong, or leaves out what is None."""
    told = {
        "vmm": "", "accel": "", "guest_kernel": "", "init_on_alloc": 0, "guest_mib": 200,
        "target_mib": 100, "inflate_seconds": 1.0, "host_returned_mib": 100.0,
        "guest_free_drop_mib": 100.0, "deflate_seconds": 1.0, "memory_intact": True,
        "peer_inflate_seconds": 1.0, "peer_deflate_seconds": 1.0, **wrong,
    }  # fmt: skip
    line = json.dumps({name: value for name, value in told.items() if value is not None})
    return program("demo", f"echo '{line}'")


def slow_demo(tree):
    """A demo that is right takes longer than it may."""
    demo_that_tells()(tree)
    replace("scripts/stages/stages.py", "DEMO_SECONDS = 60", "DEMO_SECONDS = 0")(tree)


def only(tree, layers, test):
    """Leave only some layers and one test in the build, so that it takes a second."""
    (tree / "src/meson.build").write_text("".join(f"subdir('{name}')\n" for name in layers))
    for other in ("examples", "bench/device"):
        (tree / other / "meson.build").write_text("")
    (tree / "tests/meson.build").write_text(test)


def seed(name):
    """The only test is a seeded one."""

    def defect(tree):
        only(
            tree,
            [],
            "test('seeded', executable('seeded', 'gates/seeds/"
            f"{name}.c', dependencies: dependency('cmocka')), suite: 'unit')\n",
        )

    return defect


def in_freestanding_layer(text):
    """The only layer is a freestanding one, with a line too much, and no test."""

    def defect(tree):
        only(tree, ["driver"], "")
        append("src/driver/decide/decide.c", text)(tree)

    return defect


def in_one_proof(proof, *defect):
    """Only one proof is tried."""

    def both(tree):
        replace("scripts/stages/stages.py", '"tests/proofs/run"]', f'"tests/proofs/run", "{proof}"]')(tree)
        replace(*defect)(tree)

    return both


def in_portable_driver(defect):
    """Only the portable driver, and the test that links it alone."""

    def both(tree):
        only(
            tree,
            ["driver"],
            "test('free', find_program('../scripts/check-guest.py'), args: "
            "[meson.project_source_root(), cc.get_id(), vballoon_guest_sources])\n",
        )
        defect(tree)

    return both


def together(*defects):
    def all_of_them(tree):
        for defect in defects:
            defect(tree)

    return all_of_them


def among_hostile_peers(cases=150, outcome="PASS", random="exit 0"):
    """What tells how hostile peers fared does nothing but tell it."""
    rows = [{"topic": "front-end", "case": str(case), "outcome": "PASS"} for case in range(cases)]
    rows += [{"topic": "add", "case": "last", "outcome": outcome}, {"negative_cases": cases + 200}]
    told = {
        "src/conformance/vballoon-conformance": "\n".join(f"echo '{json.dumps(row)}'" for row in rows),
        "tests/proto/test_proto_hostile": f"echo '9 messages in 3 connections: 0 KiB more'; {random}",
        "tests/proto/test_daemon_control": "echo '[       OK ] a_client'",
    }

    def defect(tree):
        only(tree, [], "")
        for name, text in told.items():
            path = tree / "build-check/gcc" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            program(path, text)(tree)
            path.chmod(0o755)

    return defect


def where_few_tests_run(defect):
    """Of all tests only those of guest memory are there; they run all of the checked sums."""
    layers = ["base", "memory", "policy", "ring", "state", "device", "driver"]

    def both(tree):
        only(
            tree,
            layers,
            "cmocka = dependency('cmocka')\nsubdir('support')\n"
            "test('memory', executable('test_memory', 'unit/test_memory.c', dependencies: "
            "[vballoon_test_support_dep, cmocka], include_directories: inc), suite: 'unit')\n",
        )
        text = (tree / "tests/coverage/run").read_text()
        for name in ("PROGRAMS", "SIMULATORS"):
            text = re.sub(rf"^{name} = \(.*?\)$", f"{name} = ()", text, flags=re.MULTILINE | re.DOTALL)
        (tree / "tests/coverage/run").write_text(text)
        defect(tree)

    return both


def before_one_program(name, defect):
    """One program of the wall looks at one layer, or at what the defect leaves."""

    def both(tree):
        only(tree, ["base"], "")
        together(
            replace("scripts/stages/stages.py", '["tests/wall/run"', f'["tests/wall/run", "{name}"'),
            replace("tests/wall/run", "*chosen.values(), *SIMULATORS]", "*chosen.values()]"),
            replace("tests/wall/run", "for simulator in SIMULATORS:", "for simulator in ():"),
            defect,
        )(tree)

    return both


def in_bitmap(body):
    """A function more that does something wrong."""
    head = "int vballoon_seed(int index)"
    return append("src/base/bitmap.c", f"{head};\n{head}\n{{\n{body}}}\n")


def in_libraries(defect):
    """Only what the libraries are made of, and the test of what they export."""
    layers = ["base", "memory", "ring", "state", "policy", "device", "reclaim", "driver"]
    layers += ["vhost_user", "library"]

    def both(tree):
        only(tree, layers, "subdir('install')\n")
        defect(tree)

    return both


def in_programs(defect):
    """Only the programs, and the test that compares what they and their pages tell."""
    layers = ["base", "memory", "policy", "ring", "state", "device", "reclaim", "driver"]
    layers += ["vhost_user", "front_end", "control", "supervisor", "daemon", "cli", "conformance"]

    def both(tree):
        only(
            tree,
            layers,
            "test('pages', find_program('install/pages.py'), args: "
            "[vballoond, vballoon_conformance, vballoonctl])\n",
        )
        defect(tree)

    return both


def wrong_example(tree):
    """The only test says an example to the device, and the example is not so."""
    layers = ["base", "memory", "policy", "ring", "state", "device", "driver"]
    only(tree, layers, "cmocka = dependency('cmocka')\nsubdir('support')\nsubdir('spec')\n")
    replace("docs/spec/add.md", "answer     01 00 00\n", "answer     01 00 01\n")(tree)


GATES = [
    Gate("a sound tree is green", "sanitize", seed("sound"), None),
    Gate(
        "an include against the layers",
        "static --only layers",
        append("src/base/le.h", "#include <vballoon/device.h>\n"),
        r"base may not include device",
    ),
    Gate(
        "an embedder that needs what is not public",
        "static --only layers",
        append("examples/embed.c", '#include "device/core.h"\n'),
        r"examples may not include device",
    ),
    Gate(
        "a system header in a freestanding layer",
        "static --only layers",
        append("src/base/le.h", "#include <stdlib.h>\n"),
        r"<stdlib.h>: base is freestanding",
    ),
    Gate(
        "a file of no layer",
        "static --only layers",
        append("src/stray.h", "/* SPDX-License-Identifier: BSD-3-Clause */\n"),
        r"src/stray.h: belongs to no layer",
    ),
    Gate(
        "a header that needs another before it",
        "static --only headers",
        replace("include/vballoon/reclaim.h", "#include <vballoon/memory.h>\n", ""),
        r"reclaim.h: does not stand alone",
    ),
    Gate(
        "a documented parameter that is not there",
        "static --only headers",
        replace("include/vballoon/memory.h", "@param gpa ", "@param address "),
        r"\[-Werror,-Wdocumentation\]",
    ),
    Gate(
        "a line that is not formatted",
        "static --only format",
        append("src/base/le.h", "struct  vballoon_seed;\n"),
        r"-Wclang-format-violations",
    ),
    Gate(
        "a file without a licence",
        "static --only text",
        append("src/base/seed.h", "struct vballoon_seed;\n"),
        r"src/base/seed.h: names no licence",
    ),
    Gate(
        "a file with the wrong licence",
        "static --only text",
        append("src/driver/decide/seed.h", "/* SPDX-License-Identifier: BSD-3-Clause */\n"),
        r"decide/seed.h: is BSD-3-Clause, not GPL-2.0 OR BSD-3-Clause",
    ),
    Gate(
        "a note of work left undone",
        "static --only text",
        append("src/base/le.h", "/* FIX" "ME */\n"),
        r"le.h:\d+: leaves something undone",
    ),
    Gate(
        "a link that leads nowhere",
        "static --only text",
        append("docs/control-protocol.md", "[seed](nowhere.md)\n"),
        r"links to nowhere.md, which is not there",
    ),
    Gate(
        "a requirement that is no clause",
        "static --only clauses",
        append("docs/spec/security.md", "The device MUST be safe.\n"),
        r"security.md:\d+: MUST in what is no clause",
    ),
    Gate(
        "a clause that says two things",
        "static --only clauses",
        append("docs/spec/zeroed.md", "- **DRV-ZEROED-" "2** The driver MUST look and MAY leap.\n"),
        r"DRV-ZEROED-[2] does not say one thing",
    ),
    Gate(
        "a clause whose number is taken",
        "static --only clauses",
        append("docs/spec/zeroed.md", "- **DRV-ZEROED-1** The driver MUST look.\n"),
        r"DRV-ZEROED-1 is there twice",
    ),
    Gate(
        "a clause that there is not",
        "static --only clauses",
        append("src/base/le.h", "/* See DEV-ADD-" "99. */\n"),
        r"le.h:\d+: there is no clause DEV-ADD-[9]",
    ),
    Gate(
        "a clause that no function keeps",
        "static --only clauses",
        replace("src/device/regions.c", "/* Keeps DEV-MEM-3. */\n", ""),
        r"DEV-MEM-3 has no function",
    ),
    Gate(
        "a clause that no test proves",
        "static --only clauses",
        replace("tests/unit/test_device_ring_held.c", "/* Proves DEV-STOP-3. */\n", ""),
        r"DEV-STOP-3 has no test",
    ),
    Gate(
        "a clause that is called open and is not",
        "static --only clauses",
        replace("docs/spec/conformance.md", "| DEV-CONF-7 | both |", "| DEV-CONF-6 | test |"),
        r"DEV-CONF-6 has a test after all",
    ),
    Gate("a proof that has not run", "gcc", seed("sound"), r"FAILED every proof has run"),
    Gate("an example that is not so", "gcc", wrong_example, r"FAILED spec_examples: add_md_\d+"),
    Gate(
        "a proof that nobody runs",
        "static --only clauses",
        replace(
            "tests/unit/test_device_order.c",
            "\t\tCASE(each_message_finds_what_those_before_it_have_left),\n",
            "",
        ),
        r"each_message_finds_what_those_before_it_have_left is a test that nobody runs",
    ),
    Gate(
        "a queue that looks once before it sleeps",
        "models",
        replace("tests/models/split.pml", "#ifdef LOOKS_ONCE", "#if 1"),
        r"FAILED models: split holds",
    ),
    Gate(
        "arithmetic that wraps unnoticed",
        "proofs",
        in_one_proof("checked", "src/base/checked.h", "align_down(uint64_t value, uint32_t shift)\n{\n\treturn value &",
                     "align_down(uint64_t value, uint32_t shift)\n{\n\treturn value |"),
        r"FAILED proofs: checked holds",
    ),
    Gate(
        "a test that a document names and that there is not",
        "static --only trust",
        replace("docs/trust.md", "`poisoned_pages_are_not_given_back`", "`poisoned_pages_go`"),
        r"poisoned_pages_go: there is no such test",
    ),
    Gate(
        "figures of a run that failed",
        "static --only trust",
        replace("docs/trust.md", "control clients; 0 failed", "control clients; 1 failed"),
        r"make hostile: these are not its figures",
    ),
    Gate(
        "an unquoted variable in a shell script",
        "static --only scripts",
        append("check", "rm $1\n"),
        r"SC2086",
    ),
    Gate(
        "a Python import that nothing uses",
        "static --only scripts",
        append("scripts/check-text.py", "import json\n"),
        r"'json' imported but unused",
    ),
    Gate(
        "a compiler's warning",
        "gcc",
        in_freestanding_layer("static int vballoon_seed;\n"),
        r"-Werror=unused-variable",
    ),
    Gate(
        "an allocation in a freestanding layer",
        "gcc",
        in_freestanding_layer(
            "#include <stdlib.h>\n"
            "void *vballoon_seed(void);\n"
            "void *vballoon_seed(void)\n{\n\treturn malloc(1);\n}\n"
        ),
        r"calls malloc, which a freestanding layer may not",
    ),
    Gate(
        "a mutable global in a freestanding layer",
        "gcc",
        in_freestanding_layer(
            "int *vballoon_seed(void);\n"
            "int *vballoon_seed(void)\n{\n\tstatic int count;\n\n\treturn &count;\n}\n"
        ),
        r"count\S* in \.bss: a mutable global",
    ),
    Gate(
        "a portable driver that needs a C library",
        "gcc",
        in_portable_driver(
            replace(
                "src/driver/port/guest.c",
                "void vballoon_guest_start(struct vballoon_guest *guest)\n{\n",
                "void *malloc(size_t size);\n"
                "void vballoon_guest_start(struct vballoon_guest *guest)\n{\n"
                "\tif (!malloc(1))\n\t\treturn;\n",
            )
        ),
        r"undefined reference to `malloc'",
    ),
    Gate(
        "a portable driver that needs a header of Linux",
        "gcc",
        in_portable_driver(append("src/driver/port/status.c", "#include <unistd.h>\n")),
        r"unistd.h: No such file",
    ),
    Gate(
        "a function of the portable driver that nobody wrote",
        "gcc",
        in_libraries(append("include/vballoon/guest.h", "void vballoon_guest_seed(void);\n")),
        r"libvballoon-guest.a: vballoon_guest_seed is only in the map",
    ),
    Gate("a test that fails", "gcc", seed("failing"), r"FAILED seeded: a_test_fails"),
    Gate("a test that never ends", "gcc", seed("crashing"), r"FAILED seeded: a_test_never_ends"),
    Gate("a test that skips itself", "gcc", seed("skipping"), r"a_test_skips_itself: may not skip"),
    Gate("a program that skips itself", "gcc", seed("exit77"), r"FAILED seeded: may not skip"),
    Gate("no test at all", "gcc", in_freestanding_layer(""), r"no test ran"),
    Gate(
        "a public function that no library exports",
        "gcc",
        in_libraries(replace("src/library/libvballoon.map", "\tvballoon_memory_find;\n", "")),
        r"vballoon_memory_find is declared, but in no map",
    ),
    Gate(
        "an option that a manual page leaves out",
        "gcc",
        in_programs(replace("docs/man/vballoond.8.scd", "*--floor* _SIZE_, ", "")),
        r"vballoond: \{'--floor'\}",
    ),
    Gate("undefined behaviour", "sanitize", seed("overflow"), r"signed integer overflow"),
    Gate("memory used after it was freed", "sanitize", seed("freed"), r"heap-use-after-free"),
    Gate("a leak", "sanitize", seed("leak"), r"detected memory leaks"),
    Gate(
        "a message that is read an entry at a time",
        "cost",
        replace("src/device/add.c", "#define BATCH 64", "#define BATCH 1"),
        r"FAILED cost: add-pages",
    ),
    Gate(
        "a scenario that fails",
        "e2e",
        program(
            "tests/e2e/run",
            "echo 'ok - a'; echo 'not ok - b'; echo '    why'\n"
            "for name in $(seq 50); do echo \"ok - $name\"; done; exit 1",
        ),
        r"FAILED e2e: b\n\s+not ok - b\n\s+why",
    ),
    Gate(
        "a scenario that is skipped",
        "e2e",
        program("tests/e2e/run", "echo 'ok - a'; echo 'skip - b'"),
        r"FAILED e2e: b: may not skip",
    ),
    Gate(
        "a document that says less than is so",
        "docs",
        replace("docs/control-protocol.md", "| `epoch` |", "| epoch |"),
        r"FAILED docs: docs/control-protocol.md names every field of status",
    ),
    Gate(
        "a command in a document that nobody tries",
        "docs",
        append("docs/vhost-user.md", "```sh\nfrobnicate\n```\n"),
        r"FAILED docs: every block of every document can be tried",
    ),
    Gate("a demo that is right is green", "demo", demo_that_tells(), None),
    Gate(
        "a host that has too little back",
        "demo",
        demo_that_tells(host_returned_mib=98.9),
        r"FAILED demo: the host has 99 %",
    ),
    Gate(
        "memory that is not intact",
        "demo",
        demo_that_tells(memory_intact=False),
        r"FAILED demo: memory is intact",
    ),
    Gate(
        "a demo that leaves out what it measured",
        "demo",
        demo_that_tells(peer_deflate_seconds=None),
        r"FAILED demo: tells all fields",
    ),
    Gate(
        "a value of the wire that is taken for the processor's",
        "module --only 'module 6.1'",
        append(
            "kernel/add.c",
            "u64 vballoon_seed(__le64 value);\n"
            "u64 vballoon_seed(__le64 value)\n{\n\treturn value;\n}\n",
        ),
        r"incorrect type in return expression",
    ),
    Gate(
        "a comment of the module that is not in the kernel's style",
        "module --only 'module: style'",
        append("kernel/add.c", "/* It ends\n * as the kernel's do not. */\n"),
        r"Block comments use a trailing",
    ),
    Gate(
        "a function of the module that nobody declares",
        "module --only 'module 6.1'",
        append("kernel/add.c", "void vballoon_seed(void)\n{\n}\n"),
        r"no previous prototype",
    ),
    Gate(
        "a stage that takes too long",
        "static",
        replace("scripts/stages/stages.py", 'Stage("static", 240', 'Stage("static", 0'),
        r"over its budget of 0 s",
    ),
    Gate(
        "stages that take too long together",
        "static",
        replace("scripts/stages/stages.py", "FIRST_SECONDS = 3000", "FIRST_SECONDS = 0"),
        r"FAILED all: over 0 s",
    ),
    Gate("hostile peers that are all withstood", "hostile", among_hostile_peers(), None, full_only=True),
    Gate(
        "a hostile peer that is never answered",
        "hostile",
        among_hostile_peers(outcome="WEDGED"),
        r"FAILED hostile: the daemon stands what a table says",
        full_only=True,
    ),
    Gate(
        "a table of few hostile peers",
        "hostile",
        among_hostile_peers(cases=149),
        r"FAILED hostile: 150 cases of a front end",
        full_only=True,
    ),
    Gate(
        "a random message that is not withstood",
        "hostile",
        among_hostile_peers(random="exit 1"),
        r"FAILED hostile: the back end stands random messages",
        full_only=True,
    ),
    Gate(
        "a check that no test makes fail",
        "coverage",
        where_few_tests_run(
            replace("src/base/checked.h", "\treturn !__builtin_add_overflow(",
                    "\tif (a == 12345)\n\t\treturn false;\n\treturn !__builtin_add_overflow(")
        ),
        r"FAILED coverage: src/base/checked.h is run in every branch",
        full_only=True,
    ),
    Gate(
        "an index that is out of range",
        "wall",
        before_one_program(
            "cppcheck",
            in_bitmap("\tint table[2] = { 0, 1 };\n\n\treturn index == 5 ? table[index] : 0;\n"),
        ),
        r"bitmap.c:\d+: warning: .* \[arrayIndexOutOfBoundsCond\]",
        full_only=True,
    ),
    Gate(
        "a pointer that is none",
        "wall",
        before_one_program(
            "the analyzer of gcc",
            in_bitmap("\tint *number = (void *)0;\n\n\treturn index ? *number : 0;\n"),
        ),
        r"bitmap.c:\d+: warning: .*-Wanalyzer-null-dereference",
        full_only=True,
    ),
    Gate(
        "a decision on what nobody has written",
        "wall",
        before_one_program(
            "the memory sanitizer",
            seed("unwritten"),
        ),
        r"use-of-uninitialized-value",
        full_only=True,
    ),
    Gate(
        "a demo that takes too long",
        "demo --full",
        slow_demo,
        r"FAILED demo: done within 0 s",
    ),
]


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


def run(gate):
    """The result of a gate as text."""
    with tempfile.TemporaryDirectory(prefix="vballoon-gate-") as folder:
        tree = Path(folder, "tree")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "build", "build-*"))
        try:
            gate.defect(tree)
        except (OSError, ValueError) as error:
            return f"not ok - {gate.name}: {error}"
        done = subprocess.run(
            [sys.executable, "scripts/stages", "--stage", *shlex.split(gate.stage)],
            cwd=tree,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return verdict(gate, done.returncode, done.stdout)


def main():
    words = sys.argv[1:]
    chosen = [gate for gate in GATES if gate.name in words or words == ["--full"]
              or not (words or gate.full_only)]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, chosen))
    for result in results:
        print(result)
    return 1 if any("not ok - " in result for result in results) else 0


sys.exit(main())
