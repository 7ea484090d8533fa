#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""agree.py VBALLOONCTL: --help, each command's --help, the manual page and the completions
of both shells tell of the same commands, options and exit codes."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPLETION = ROOT / "packaging/completion"
PAGE = (ROOT / "docs/man/vballoonctl.1.scd").read_text()
BASH = """
source "$1"; shift
COMP_WORDS=(vballoonctl "$@" "")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_vballoonctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def section(text, heading):
    """The lines below a heading of a help, up to the next empty line."""
    return text.split(f"\n{heading}:\n", 1)[1].split("\n\n", 1)[0].splitlines()


def options_in(text):
    return set(re.findall(r"--[a-z-]+", text))


def help_options(text):
    return {line.split()[0] for line in section(text, "Options")}


def page_section(heading):
    return PAGE.split(f"\n# {heading}\n", 1)[1].split("\n# ", 1)[0]


class Help:
    """What the program itself tells: what the others are held to."""

    def __init__(self, program):
        text = run(program, "--help")
        rows = [re.match(r"  ([\w-]+) +([A-Z]+|\[[A-Z]+\]\.\.\.)? *(.*)", line) for line in section(text, "Commands")]
        self.summaries = {row.group(1): row.group(3) for row in rows}
        self.operands = {row.group(1): row.group(2) for row in rows}
        self.commands = set(self.summaries)
        self.common = help_options(text)
        self.texts = {name: run(program, name, "--help") for name in self.commands}
        self.options = {name: help_options(self.texts[name]) for name in self.commands}
        self.rules = set(re.findall(r"(?:^  |, )([a-z-]+)=", self.texts["policy"], re.M))
        self.codes = dict(re.findall(r"^  (\d)  (\w+)", "\n".join(section(text, "Exit status")), re.M))


def each_command_has_its_own_help(told):
    for name, text in told.texts.items():
        operand = f" {told.operands[name]}" if told.operands[name] else ""
        assert f" {name}{operand} [OPTION]" in text, f"{name}: no usage"
        assert told.summaries[name] in text, f"{name}: another summary"
        assert told.common <= told.options[name], name


def the_page_has_every_command(told):
    named = set(re.findall(r"^\*([a-z-]+)\*", page_section("COMMANDS"), re.M))
    assert named == told.commands, named ^ told.commands


def the_synopsis_has_every_option_of_a_command(told):
    for name in told.commands:
        (line,) = re.findall(rf"^.*_PATH_ \*{name}\*(.*)$", page_section("SYNOPSIS"), re.M)
        wanted = told.options[name] - told.common | {"--json"}
        assert options_in(line) == wanted, f"{name}: {options_in(line) ^ wanted}"


def the_page_explains_every_option(told):
    heads = re.findall(r"^(\*--.*)$", page_section("OPTIONS"), re.M)
    named = options_in(" ".join(heads))
    wanted = set().union(told.common, *told.options.values())
    assert named == wanted, named ^ wanted


def the_page_has_every_exit_code(told):
    found = re.findall(r"^\*(\d)\*\n\t.*?_(\w+)_", page_section("EXIT STATUS"), re.M | re.S)
    assert dict(found) == told.codes, f"{found}, {told.codes}"


def the_page_explains_every_rule(told):
    named = set(re.findall(r"\*([a-z-]+)=\*", page_section("POLICY")))
    assert named == told.rules, named ^ told.rules


def completed(*words):
    script = str(COMPLETION / "vballoonctl.bash")
    return set(run("bash", "-c", BASH, "bash", script, *words).split())


def bash_completes_what_there_is(told):
    wanted = told.commands | told.common
    assert completed() == wanted, completed() ^ wanted
    for name in told.commands:
        found = completed("--control-path", "x", name)
        rules = {f"{rule}=" for rule in told.rules} if name == "policy" else set()
        wanted = told.options[name] | rules
        assert found == wanted, f"{name}: {found ^ wanted}"
    assert completed("policy", "pages", "=") == {"eager", "warm"}
    assert completed("policy", "withdraw-oom", "=") == {"grant", "floor", "refuse"}
    assert not completed("policy", "floor", "=")


class Zsh:
    """A zsh that somebody types at, on a terminal with room for every list."""

    def __init__(self):
        self.terminal, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 200, 0, 0))
        self.shell = subprocess.Popen(
            ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": "/nonexistent"},
        )  # fmt: skip
        os.close(slave)
        self.type(f"fpath=({COMPLETION} $fpath); autoload -Uz compinit; compinit -D -u\r"
                  "zle-line-init() print -n '<edi''ting>'; zle -N zle-line-init")

    def type(self, keys):
        """What is on the terminal after these keys and a new line, when it is edited."""
        os.write(self.terminal, f"{keys}\r".encode())
        seen = b""
        while b"<editing>" not in seen:
            assert select.select([self.terminal], [], [], 20)[0], f"zsh says no more than {seen}"
            seen += os.read(self.terminal, 65536)
        return seen.decode()

    def offers(self, line):
        """What it offers to go on with, each with what it says of it (Ctrl-D lists)."""
        return dict(re.findall(r"^(\S+) +-- (.*?) *\r$", self.type(f"{line}\x04\x15"), re.M))

    def close(self):
        self.shell.kill()
        self.shell.wait()
        os.close(self.terminal)


def zsh_completes_what_there_is(told):
    with contextlib.closing(Zsh()) as zsh:
        offered = zsh.offers("vballoonctl ")
        assert offered == told.summaries, f"{offered}, {told.summaries}"
        offered = set(zsh.offers("vballoonctl --"))
        assert offered == told.common, offered ^ told.common
        for name in told.commands:
            offered = set(zsh.offers(f"vballoonctl --control-path x {name} --"))
            assert offered == told.options[name], f"{name}: {offered ^ told.options[name]}"
        offered = set(re.findall(r"([a-z-]+)=", zsh.type("vballoonctl policy \x04\x15")))
        assert offered == told.rules, offered ^ told.rules


TESTS = [
    each_command_has_its_own_help,
    the_page_has_every_command,
    the_synopsis_has_every_option_of_a_command,
    the_page_explains_every_option,
    the_page_has_every_exit_code,
    the_page_explains_every_rule,
    bash_completes_what_there_is,
    zsh_completes_what_there_is,
]


def main():
    told = Help(sys.argv[1])
    failed = False
    for test in TESTS:
        try:
            test(told)
            print(f"ok - {test.__name__}")
        except (AssertionError, ValueError, subprocess.CalledProcessError) as error:
            print(f"not ok - {test.__name__}\n{error}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
