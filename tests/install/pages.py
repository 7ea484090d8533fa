#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""pages.py VBALLOOND CONFORMANCE VBALLOONCTL: each program's --help and its manual page tell of
the same options and exit codes, and the installed configuration of the daemon's settings."""

import json
import re
import subprocess
import sys

from agree import ROOT, Help, options_in, run

CONFIGURATION = ROOT / "packaging/vballoond.conf"


class Told:
    """What a program's --help tells, and its page."""

    def __init__(self, program, page):
        self.name = page.split(".")[0]
        self.help = run(program, "--help")
        self.page = (ROOT / "docs/man" / f"{page}.scd").read_text()

    def section(self, heading):
        return self.page.split(f"\n# {heading}\n", 1)[1].split("\n# ", 1)[0]

    def options(self):
        """Those that the help has a line for."""
        return options_in(" ".join(re.findall(r"^  (--.*?)(?:  |$)", self.help, re.M)))


def each_page_explains_every_option(daemon, conformance, control):
    for told in (daemon, conformance):
        named = options_in(" ".join(re.findall(r"^(\*--.*)$", told.section("OPTIONS"), re.M)))
        assert named == told.options(), f"{told.name}: {named ^ told.options()}"


def each_page_has_every_exit_code(daemon, conformance, control):
    for told in (daemon, conformance):
        text = re.search(r"\nExit (?:status|code):(.*?)\.(?:\n|$)", told.help, re.S)[1]
        codes = re.findall(r"(?:^|;)\s(\d)\s", text)
        found = re.findall(r"^\*(\d)\*$", told.section("EXIT STATUS"), re.M)
        assert codes and found == codes, f"{told.name}: {found}, {codes}"


def the_same_features_are_named(daemon, conformance, control):
    found = set(re.findall(r"\*([a-z-]+)\*(?:$|, )", daemon.section("FEATURES"), re.M))
    wanted = set(json.loads(run(sys.argv[1], "--print-capabilities"))["features"]) - {"version-1"}
    assert found == wanted, f"vballoond: {found ^ wanted}"
    known = set(json.loads(run(sys.argv[1], "--print-capabilities"))["traditional-features"])
    found = set(re.findall(r"\*([a-z-]+)\*(?:$|, )", daemon.section("THE TRADITIONAL BALLOON"), re.M))
    assert found == known - wanted - {"version-1"}, f"vballoond: {found ^ known}"
    # Of these vballoon-conformance varies some, beside the format of the ring.
    found = set(re.findall(r"_([a-z]+-?[a-z]+)_[,.]", conformance.section("OPTIONS")))
    text = conformance.help.split("--features", 1)[1].split("--ring", 1)[0]
    named = set(re.findall(r"[a-z-]+", text.split("commas:")[1].split(";")[0]))
    assert found == named and found < wanted, f"vballoon-conformance: {found}, {named}"


def the_configuration_has_settings_that_there_are(daemon, conformance, control):
    settings = set(re.findall(r"^# ([a-z-]+) = ", CONFIGURATION.read_text(), re.M))
    known = {option.removeprefix("--") for option in daemon.options()}
    assert settings and settings <= known, settings - known
    assert control.rules <= settings, control.rules - settings


TESTS = [
    each_page_explains_every_option,
    each_page_has_every_exit_code,
    the_same_features_are_named,
    the_configuration_has_settings_that_there_are,
]


def main():
    told = [Told(sys.argv[1], "vballoond.8"), Told(sys.argv[2], "vballoon-conformance.1"),
            Help(sys.argv[3])]  # fmt: skip
    failed = False
    for test in TESTS:
        try:
            test(*told)
            print(f"ok - {test.__name__}")
        except (AssertionError, ValueError, subprocess.CalledProcessError) as error:
            print(f"{error}\nnot ok - {test.__name__}")
            failed = True
    return 1 if failed else 0


sys.exit(main())
