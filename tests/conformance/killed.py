#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""killed.py CONFORMANCE: what the suite has started does not outlive it, however it ends."""

import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PATIENCE_S = 20


def outlives(conformance, options, number):
    """Whether what was started is there when the suite was ended by a signal."""
    with tempfile.TemporaryDirectory() as folder:
        fifo = Path(folder, "fifo")
        os.mkfifo(fifo)
        # It says that it runs, and would run for ever; %s has to be there.
        command = ["sh", "-c", f"echo $$ >{fifo}; exec sleep infinity # %s"]
        suite = subprocess.Popen(
            [conformance, *options, "--", *command],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": folder},
        )  # fmt: skip
        started = int(fifo.read_text())
        handle = os.pidfd_open(started)
        suite.send_signal(number)
        suite.wait()
        ended, _, _ = select.select([handle], [], [], PATIENCE_S)
        if not ended:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
        return not ended


def main():
    failed = 0
    for options in ([], ["--driver"]):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            bad = outlives(sys.argv[1], options, number)
            failed += bad
            mode = options[0] if options else "a device"
            print(f"{'not ok' if bad else 'ok'} - {mode}: it ends with the suite, {number.name}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
