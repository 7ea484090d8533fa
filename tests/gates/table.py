# SPDX-License-Identifier: BSD-3-Clause
"""What gates there are."""

from collections import namedtuple

from defects import (
    alone, among_hostile_peers, append, before_one_program, demo_that_tells, in_bitmap,
    in_freestanding_layer, in_libraries, in_module, in_one_model,
    in_one_proof, in_portable_driver, in_programs,
    program, replace, seed, slow_demo, together, where_few_tests_run, wrong_example,
)
from module import DEFECTS

# A gate: what it is, the stage that must turn red, perhaps with options, the defect (a function of
# the copied tree), and what the stage must say. None: it must be green. What takes long is tried
# only when all is.
Gate = namedtuple("Gate", "name stage defect says full_only", defaults=[False])

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
        in_one_model("split", replace("tests/models/split.pml", "#ifdef LOOKS_ONCE", "#if 1")),
        r"FAILED models: split holds",
    ),
    Gate(
        "a model in which nothing happens",
        "models",
        in_one_model("hints", replace("tests/models/hints.pml", "asked_round < ROUNDS ->", "asked_round > ROUNDS ->")),
        r"FAILED models: hints last_is_over is reached",
    ),
    Gate(
        "a step of a model that is never taken",
        "models",
        in_one_model("hints", replace("tests/models/hints.pml", ":: skip /* it was",
                                      ":: command < DONE -> command = STOP /* it was")),
        r"FAILED models: hints holds\n.*\n +hints.pml:\d+ is never reached",
    ),
    Gate(
        "a model of a function that there is not",
        "models",
        in_one_model("hints", replace("tests/models/hints.pml", "take_command()", "take_nothing()")),
        r"there is no take_nothing\(\)",
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
        "figures that have gone",
        "static --only trust",
        replace("docs/trust.md", "| `make guest-tests` | ", "| `make guests` | "),
        r"make guest-tests: there is no row of it",
    ),
    Gate(
        "a test that a document names and that has not run",
        "gcc",
        seed("sound"),
        r"FAILED tests that docs/trust.md names",
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
    Gate("a test that fails", "gcc", seed("failing"), r"FAILED failing: a_test_fails"),
    Gate("a test that never ends", "gcc", seed("crashing"), r"FAILED crashing: a_test_never_ends"),
    Gate("a test that skips itself", "gcc", seed("skipping"), r"a_test_skips_itself: may not skip"),
    Gate("a program that skips itself", "gcc", seed("exit77"), r"FAILED exit77: may not skip"),
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
    Gate(
        "a call that no test has fail",
        "gcc",
        in_programs(replace("src/daemon/loop.c", "epoll_wait(loop->epoll, &event, 1, timeout_ms)",
                            "epoll_pwait(loop->epoll, &event, 1, timeout_ms, NULL)")),
        r"epoll_pwait\(\) neither fails in a test nor is excused",
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
        append("kernel/add.c", "void vballoon_sprout(void)\n{\n}\n"),
        r"no previous prototype",
    ),
    Gate(
        "a stage that takes too long",
        "static --only layers",
        alone(replace("scripts/stages/stages.py", 'Stage("static", 240', 'Stage("static", 0')),
        r"over its budget of 0 s",
    ),
    Gate(
        "a check that leaves files when it is interrupted",
        "static --only interrupt",
        replace("scripts/stages/children.py", 'os.environ["TMPDIR"] = folder', "pass"),
        r"files are left: \['tmp",
    ),
    Gate(
        "a check that leaves a process when it is interrupted",
        "static --only interrupt",
        replace("scripts/stages/children.py", "LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)", "pass"),
        r"a process is left",
    ),
    Gate(
        "a check that judges what was interrupted",
        "static --only interrupt",
        replace("scripts/stages/children.py", "        raise Interrupted\n    return", "        pass\n    return"),
        r"it judges what has not ended",
    ),
    Gate(
        "stages that take too long together",
        "static --only layers",
        alone(replace("scripts/stages/stages.py", "FIRST_SECONDS = 3000", "FIRST_SECONDS = 0")),
        r"FAILED all: over 0 s",
    ),
    Gate(
        "a benchmark that is skipped",
        "bench",
        program("bench/run", """echo '{"work": "seed", "skipped": "why"}'"""),
        r"FAILED bench: seed: may not skip",
        full_only=True,
    ),
    Gate(
        "a benchmark that dies",
        "bench",
        together(
            replace("bench/run", "QUICK = PROGRAMS[:7]", 'QUICK = ("device_alone",)'),
            replace("bench/device_alone", "    built = programs(TREE)\n",
                    '    yield {"work": "seed"}\n    built = nowhere\n'),
        ),
        r"FAILED bench: all of it has run",
        full_only=True,
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
        "a program that fails without a word",
        "wall",
        before_one_program("cppcheck", replace("tests/wall/run", 'CPPCHECK = ("cppcheck",', 'CPPCHECK = ("false",')),
        r"error: false failed, 1, and said nothing",
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
        "a choice between one thing and the same",
        "wall",
        before_one_program("clang-tidy", in_bitmap("\tif (index)\n\t\treturn 1;\n\telse\n\t\treturn 1;\n")),
        r"bitmap.c:\d+: warning: .* \[bugprone-branch-clone\]",
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
    *(Gate(name, "e2e", in_module(scenario, *defect), says, full_only=True)
      for name, scenario, *defect, says in DEFECTS),
]
