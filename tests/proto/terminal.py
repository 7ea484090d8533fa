#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""terminal.py VBALLOOND VBALLOONCTL FAKE_GUEST: what is shown live on a terminal, narrow and
wide, with colours and without, fits it, can be left, and leaves it as it was."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bed import watch  # noqa: E402  (found by the line above)

VBALLOOND, VBALLOONCTL, FAKE_GUEST = sys.argv[1:]
PATIENCE = 20  # seconds, for what should be there at once
WIDE, NARROW, TINY = (120, 40), (34, 14), (10, 5)
FIGURES = ("guest available", "guest free", "balloon", "host memory")
CONTROL = re.compile(r"\033\[(\??[0-9;]*)([A-Za-z])|\r|\n|[^\033\r\n]")


class Screen:
    """A terminal of a size: what is on it, and what became of it."""

    def __init__(self, size):
        self.columns, self.rows = size
        self.colors = set()
        self.modes = {}
        self.live = False  # on a line that is written over: it may not wrap
        self.clear()

    def clear(self):
        self.lines = [[" "] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0

    def text(self):
        return ["".join(line).rstrip() for line in self.lines]

    def take(self, text):
        for found in CONTROL.finditer(text):
            self._do(found.group(0), found.group(1), found.group(2))

    def _do(self, whole, arguments, command):
        if command == "H":
            self.row = self.column = 0
            self.live = True
        elif command == "K":
            self.live = self.live and (self.column > 0 or self.modes.get("?1049", False))
            self._clear_rest()
        elif command == "J":
            self._clear_rest()
            for row in range(self.row + 1, self.rows):
                self.lines[row] = [" "] * self.columns
        elif command == "m":
            self.colors.add(arguments)
        elif command in ("h", "l"):
            self.modes[arguments] = command == "h"
        elif command:
            raise AssertionError(f"an escape sequence that not every terminal knows: {whole!r}")
        elif whole == "\r":
            self.column = 0
            self.live = True
        elif whole == "\n":
            self.live = self.modes.get("?1049", False)
            self._down()
        else:
            if self.column == self.columns:
                assert not self.live, f"a line longer than {self.columns}"
                self.column = 0
                self._down()
            self.lines[self.row][self.column] = whole
            self.column += 1

    def _clear_rest(self):
        # Behind the last character of a line the cursor is still on it: xterm, the Linux
        # console and others clear that one, too.
        column = min(self.column, self.columns - 1)
        self.lines[self.row][column:] = [" "] * (self.columns - column)

    def _down(self):
        assert self.row + 1 < self.rows, f"more than {self.rows} lines"
        self.row += 1


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, size, *words, **environment):
        self.screen = Screen(size)
        self.master, self.slave = pty.openpty()
        self.resize(size)
        self.before = termios.tcgetattr(self.slave)
        base = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            words, stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True, env={**base, **environment},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.rest = b""

    def resize(self, size):
        columns, rows = size
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if (columns, rows) != (self.screen.columns, self.screen.rows):
            colors, modes = self.screen.colors, self.screen.modes
            self.screen = Screen(size)
            self.screen.colors, self.screen.modes = colors, modes

    def read(self):
        """Take in what was written; False when nothing came for a while."""
        if not select.select([self.master], [], [], 0.05)[0]:
            return False
        data = self.rest + os.read(self.master, 65536)
        # What a read has cut in two waits for the next.
        whole = data.rfind(b"\033")
        cut = len(data)
        if whole >= 0 and not re.match(rb"\033\[\??[0-9;]*[A-Za-z]", data[whole:]):
            cut = whole
        text = data[:cut].decode(errors="surrogateescape")
        while text and "\udc80" <= text[-1] <= "\udcff":
            text = text[:-1]
        used = len(text.encode(errors="surrogateescape"))
        self.rest = data[used:]
        self.screen.take(text)
        return True

    def await_(self, seen, what):
        deadline = time.monotonic() + PATIENCE
        while not seen(self.screen.text()):
            assert time.monotonic() < deadline, f"no {what} on {self.screen.text()}"
            self.read()

    def await_text(self, text):
        self.await_(lambda lines: any(text in line for line in lines), repr(text))

    def end(self):
        """Wait for the end, and take in the last words. Returns the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.read() or self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Bed:
    """A daemon, and a guest that follows it."""

    def __init__(self, directory, stack):
        self.control = f"{directory}/control"
        socket = f"{directory}/guest"
        self.stack = stack
        self._start(VBALLOOND, "--socket-path", socket, "--control-path", self.control)
        self._await(Path(self.control).exists)
        self._start(FAKE_GUEST, socket)
        self._await(lambda: "ready" in self.ctl("status"))

    def _start(self, *words):
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)

    @staticmethod
    def _await(holds):
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "the bed does not come up"
            time.sleep(0.02)

    def words(self, *words):
        return [VBALLOONCTL, "--control-path", self.control, *words]

    def ctl(self, *words):
        return subprocess.run(self.words(*words), stdout=subprocess.PIPE, text=True,
                              check=False).stdout

    @contextlib.contextmanager
    def watch(self, size, *words, **environment):
        with contextlib.closing(
                Terminal(size, *self.words("watch", *words), **environment)) as terminal:
            terminal.await_text("vballoon:")
            yield terminal


def leave(terminal, how):
    """End it, and look at what it leaves behind."""
    os.write(terminal.master, how)
    assert terminal.end() == 0, "another exit code than 0"
    assert terminal.screen.modes == {"?1049": False, "?25": True}, terminal.screen.modes
    assert termios.tcgetattr(terminal.slave) == terminal.before, "other modes of the terminal"


def a_wide_terminal_shows_all_figures_and_their_charts(bed):
    with bed.watch(WIDE) as terminal:
        terminal.await_text("q ends")
        lines = terminal.screen.text()
        for figure in FIGURES:
            assert any(line.startswith(figure) for line in lines), f"{figure}: {lines}"
        assert any("of guest memory" in line for line in lines), lines
        # The newest is at the right edge.
        assert any(len(line) == WIDE[0] and "\u2800" < line[-1] < "\u2900"
                   for line in lines), lines
        leave(terminal, b"q")


def a_narrow_terminal_shows_all_figures(bed):
    with bed.watch(NARROW) as terminal:
        terminal.await_text("q ends")
        lines = terminal.screen.text()
        for figure in FIGURES:
            assert any(line.startswith(figure) for line in lines), f"{figure}: {lines}"
        cut = [line for line in lines if re.search(r" of( \d*)?$", line)]
        assert not cut, f"a size without its unit: {cut}"
        assert any(line.endswith(" minutes") for line in lines), f"a foot that is cut: {lines}"
        leave(terminal, b"q")


def a_tiny_terminal_is_not_written_over(bed):
    with bed.watch(TINY) as terminal:
        leave(terminal, b"q")


def a_terminal_that_changes_is_drawn_again(bed):
    with bed.watch(WIDE, "--interval", "600") as terminal:
        terminal.await_text("q ends")
        terminal.resize(NARROW)
        terminal.await_text("q ends")
        leave(terminal, b"q")


def colours_are_shown(bed):
    with bed.watch(WIDE) as terminal:
        terminal.await_text("q ends")
        assert {"32", "36", "33", "35", "0"} <= terminal.screen.colors, terminal.screen.colors
        leave(terminal, b"q")


def colours_are_left_out(bed):
    for words, environment in ((["--no-color"], {}), ([], {"NO_COLOR": "1"}),
                               ([], {"TERM": "dumb"})):
        with bed.watch(WIDE, *words, **environment) as terminal:
            terminal.await_text("q ends")
            assert not terminal.screen.colors, f"{words}, {environment}"
            leave(terminal, b"q")


def without_utf_8_there_is_ascii_alone(bed):
    with bed.watch(WIDE, LC_ALL="C") as terminal:
        terminal.await_text("q ends")
        assert all(line.isascii() for line in terminal.screen.text()), terminal.screen.text()
        leave(terminal, b"q")


def an_interrupt_ends_it_like_q(bed):
    with bed.watch(WIDE) as terminal:
        # What is being drawn is not cut short by it: cursor movements would be missing.
        assert termios.tcgetattr(terminal.slave)[3] & termios.NOFLSH, "a terminal that drops output"
        leave(terminal, b"\x03")


def the_end_of_the_terminal_ends_it(bed):
    with bed.watch(WIDE) as terminal:
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.end() == 0


def where_there_is_no_terminal_it_prints_lines(bed):
    told = bed.ctl("watch", "--once")
    assert "\033" not in told and told.count("\n") == 1, repr(told)


def progress_fits_the_terminal(bed):
    for size, target in ((WIDE, "1M"), (NARROW, "2M"), (TINY, "3M")):
        words = bed.words("set", target, "--wait")
        with contextlib.closing(Terminal((size[0], 200), *words)) as terminal:
            assert terminal.end() == 0, terminal.screen.text()


class FakeMachine:
    """As much of a virtual machine as bed.watch asks."""

    class machine:
        memory_mib = 2048

    class guest:
        @staticmethod
        def memory_mib():
            return {"total": 1900.0, "free": 1800.0}

    class memory:
        @staticmethod
        def allocated_mib():
            return 2048.0


def the_demo_fits_the_terminal(_):
    script = ("import sys; sys.path[:0] = sys.argv[1:3]; sys.argv[1:] = ['', '', '']\n"
              "from bed.watch import Watch; import terminal\n"
              "with Watch(terminal.FakeMachine): pass")
    here = Path(__file__).resolve().parent
    for size, bars in ((WIDE, True), ((80, 24), True), ((50, 24), True), (NARROW, False)):
        words = [sys.executable, "-c", script, str(here.parent), str(here)]
        with contextlib.closing(Terminal(size, *words)) as terminal:
            assert terminal.end() == 0, terminal.screen.text()
            lines = terminal.screen.text()
        assert any(watch.FULL in line for line in lines) == bars, lines


TESTS = [
    a_wide_terminal_shows_all_figures_and_their_charts,
    a_narrow_terminal_shows_all_figures,
    a_tiny_terminal_is_not_written_over,
    a_terminal_that_changes_is_drawn_again,
    colours_are_shown,
    colours_are_left_out,
    without_utf_8_there_is_ascii_alone,
    an_interrupt_ends_it_like_q,
    the_end_of_the_terminal_ends_it,
    where_there_is_no_terminal_it_prints_lines,
    progress_fits_the_terminal,
    the_demo_fits_the_terminal,
]


def main():
    failed = False
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="vballoon-tty-"))
        bed = Bed(directory, stack)
        for test in TESTS:
            try:
                test(bed)
                print(f"ok - {test.__name__}", flush=True)
            except AssertionError as error:
                print(f"{error}\nnot ok - {test.__name__}", flush=True)
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
