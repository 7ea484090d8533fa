# SPDX-License-Identifier: BSD-3-Clause
"""vballoond: the process, and its control socket (docs/control-protocol.md)."""

import contextlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from .build import Built
from .failure import Failure
from .lines import LineSocket

END_SECONDS = 5


class Daemon:
    """A vballoond that runs. Use it in a `with`: whatever happens, the process ends."""

    def __init__(self, built: Built, *options: str):
        self._built = built
        self.directory = Path(tempfile.mkdtemp(prefix="vballoon-d-"))
        self.socket = self.directory / "vhost"
        self.control = self.directory / "control"
        self._log = self.directory / "log"
        self._opened = contextlib.ExitStack()
        self._opened.callback(shutil.rmtree, self.directory, ignore_errors=True)
        try:
            with open(self._log, "wb") as log:
                self.process = subprocess.Popen(
                    [str(built.vballoond), "--socket-path", str(self.socket),
                     "--control-path", str(self.control), *options],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self._opened.callback(self._end_process)
            self._lines = self._opened.enter_context(contextlib.closing(
                LineSocket(self.control, "vballoond", check=self._check_process)))
            self._lines.receive(5, "its greeting")
        except BaseException as error:
            self.explain(error)
            self.stop()
            raise

    def execute(self, command: str, seconds: float = 10, **arguments: Any) -> dict[str, Any]:
        """One command of the control protocol. Raises what it answers with an error."""
        self._lines.send(json.dumps({"execute": command, "arguments": arguments}))
        answer = json.loads(self._lines.receive(seconds, f"the answer to {command}"))
        if "error" in answer:
            raise Failure(f"vballoond, {command}: {answer['error']['class']}: "
                          f"{answer['error']['desc']}")
        return answer["return"]

    def status(self) -> dict[str, Any]:
        return self.execute("status")

    def ask(self, balloon_mib: float) -> None:
        """Ask for a balloon of that size, and do not wait for it."""
        self.execute("set", balloon_bytes=int(balloon_mib * (1 << 20)))

    def reached(self, seconds: float) -> bool:
        """Wait until the balloon has its size and the host has the memory."""
        return self.execute("wait", seconds + 10, timeout_ms=int(seconds * 1000))["reached"]

    def resize(self, balloon_mib: float, seconds: float = 60) -> None:
        """Ask for a balloon of that size and wait for it."""
        self.ask(balloon_mib)
        if not self.reached(seconds):
            status = self.status()
            raise Failure(f"waited {seconds:g} s for a balloon of {balloon_mib:g} MiB: "
                          f"{json.dumps(status)}")

    def command_line(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess:
        """Run vballoonctl as a person would."""
        return subprocess.run(
            [str(self._built.vballoonctl), "--control-path", str(self.control), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)

    def _check_process(self) -> None:
        if self.process.poll() is not None:
            raise Failure(f"vballoond ended with status {self.process.returncode}")

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def explain(self, error: BaseException) -> None:
        """Say beside an error what the daemon said."""
        error.add_note("--- vballoond said:\n" + self.log())

    def _end_process(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        self._opened.close()

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error:
            self.explain(error)
        self.stop()
