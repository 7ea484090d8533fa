# SPDX-License-Identifier: BSD-3-Clause
"""What is started is ended: by itself, when its time is over, or when somebody wants no more of it."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

# What a command may take to end when it is asked to.
GRACE_SECONDS = 10
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None)

running = set()  # in whichever thread
interrupted = False


class Interrupted(BaseException):
    """Somebody wants no more of this."""


class TooLong(Exception):
    """A command was ended; it had written this."""


def run(argv, seconds=None, **options):
    """Run a command to its end, or for so long: (exit code, what it wrote)."""
    if interrupted:
        raise Interrupted
    process = subprocess.Popen(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        **options,
    )
    running.add(process)
    try:
        if interrupted:  # before it was among those that run
            os.killpg(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise TooLong(_end(process)) from None
    finally:
        running.discard(process)
    if interrupted:
        raise Interrupted
    return process.returncode, output


def _end(process):
    """End a command and all that it started. Returns what it wrote."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=GRACE_SECONDS)[0]
    return "somebody outlives it who can still write for it\n"


def _own():
    """Processes that are this one's: started by it, or left to it."""
    lists = Path("/proc/self/task").glob("*/children")
    return [int(pid) for text in lists for pid in text.read_text().split()]


def _kill_own():
    left = _own()
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return left


def _end_all(signals):
    """Once a signal has come, ask whatever runs to end, and begin nothing more. What does not end is
    killed after a while, or when another signal comes."""
    global interrupted
    os.read(signals, 1)
    interrupted = True
    # Who loses a parent from now on is left to this process.
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    for process in list(running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    select.select([signals], [], [], GRACE_SECONDS)
    while True:
        _kill_own()
        time.sleep(1)


def _heed_signals():
    """In a thread: one that comes while the main one begins to wait would be heeded after that."""
    signals, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    threading.Thread(target=_end_all, args=[signals], daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


@contextlib.contextmanager
def nothing_left():
    """However what is run within ends, it leaves no temporary file; interrupted, no process either."""
    _heed_signals()
    # A short name: few characters are the path of a socket.
    with tempfile.TemporaryDirectory(prefix="vb-check-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # there are other users among what is run
        os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            while left := _kill_own():
                for pid in left:
                    os.waitpid(pid, 0)
