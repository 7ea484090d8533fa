# SPDX-License-Identifier: BSD-3-Clause
"""Defects: functions that make a copy of the tree worse, each in its own way.

Where one has a `shape`, others of the same shape can be in the same tree: each says something of
its own.
"""

import json
import re

SOURCE = "a file changed"
SEEDED = "no test but seeded ones"


def of_shape(shape):
    """What all defects that a function makes have in common."""

    def decorate(make):
        def made(*args):
            defect = make(*args)
            defect.shape = shape
            return defect

        return made

    return decorate


@of_shape(SOURCE)
def append(path, text):
    def defect(tree):
        with open(tree / path, "a") as file:
            file.write(text)

    return defect


@of_shape(SOURCE)
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


@of_shape(SEEDED)
def seed(name):
    """The only tests are seeded ones."""

    def defect(tree):
        tests = tree / "tests/meson.build"
        before = tests.read_text() if "gates/seeds" in tests.read_text() else ""
        own = (
            f"test('{name}', executable('{name}', 'gates/seeds/{name}.c', "
            "dependencies: dependency('cmocka')), suite: 'unit')\n"
        )
        only(tree, [], before.replace(own, "") + own)

    return defect


def in_freestanding_layer(text):
    """The only layer is a freestanding one, with a line too much, and no test."""

    def defect(tree):
        only(tree, ["driver"], "")
        append("src/driver/decide/decide.c", text)(tree)

    return defect


def in_one_model(model, defect):
    """Only one model is searched."""

    def both(tree):
        replace("scripts/stages/stages.py", '"tests/models/run"]', f'"tests/models/run", "{model}"]')(tree)
        defect(tree)

    return both


def in_one_proof(proof, *defect):
    """Only one proof is tried."""

    def both(tree):
        replace("scripts/stages/stages.py", '"tests/proofs/run"]', f'"tests/proofs/run", "{proof}"]')(tree)
        replace(*defect)(tree)

    return both


def in_module(scenario, *defect):
    """Only one scenario is run, in a guest whose module has the defect."""

    def both(tree):
        replace("scripts/stages/stages.py", '["tests/e2e/run"]', f'["tests/e2e/run", "{scenario}"]')(tree)
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


def alone(defect):
    """Nothing else can be judged beside it."""

    def shapeless(tree):
        defect(tree)

    return shapeless


def together(*defects):
    def all_of_them(tree):
        for defect in defects:
            defect(tree)

    return all_of_them


def among_hostile_peers(cases=150, outcome="PASS", random="exit 0"):
    """What tells how hostile peers fared does nothing but tell it."""

    def rows(last, **topics):
        found = [
            {"topic": topic.replace("_", "-"), "case": str(case), "outcome": "REJECT", "negative": True}
            for topic, count in topics.items()
            for case in range(count)
        ]
        found.append({"topic": "add", "case": "last", "outcome": last, "negative": False})
        return "\n".join(f"echo '{json.dumps(row)}'" for row in found)

    told = {
        "src/conformance/vballoon-conformance":
            f'if [ "$1" = --device ]; then\n{rows("PASS", trad_inflate=100)}\nelse\n'
            f"{rows(outcome, front_end=cases, add=200)}\nfi",
        "tests/proto/test_proto_hostile": f"echo '9 messages in 3 connections: 0 KiB more'; {random}",
        "tests/proto/test_daemon_control_hostile": "echo '[       OK ] a_client'",
        "tests/unit/test_trad_guest_hostile": "echo '[       OK ] a_device'",
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
        # Nor is there a line that they leave out.
        (tree / "tests/coverage/exclusions.txt").write_text("")
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
    """Only the programs, and the tests that look at what they tell and at what they call."""
    layers = ["base", "memory", "policy", "ring", "state", "device", "reclaim", "driver"]
    layers += ["vhost_user", "front_end", "control", "supervisor", "daemon", "cli", "conformance"]

    def both(tree):
        only(
            tree,
            layers,
            "test('pages', find_program('install/pages.py'), args: "
            "[vballoond, vballoon_conformance, vballoonctl])\n"
            "test('wrapped', find_program('proto/wrapped.py'), args: "
            "[files('support/nth.c'), vballoond])\n",
        )
        defect(tree)

    return both


def wrong_example(tree):
    """The only test says an example to the device, and the example is not so."""
    layers = ["base", "memory", "policy", "ring", "state", "device", "driver"]
    only(tree, layers, "cmocka = dependency('cmocka')\nsubdir('support')\nsubdir('spec')\n")
    replace("docs/spec/add.md", "answer     01 00 00\n", "answer     01 00 01\n")(tree)
