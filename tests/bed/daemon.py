# SPDX-License-Identifier: BSD-3-Clause
"""vballoond: the process, and its control socket (docs/control-protocol.md)."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .build import Built
from .failure import Failure
from .lines import LineSocket
from .process import Process


class Daemon:
    """A vballoond that runs. Use it in a `with`: whatever happens, the process ends."""

    def __init__(self, built: Built, *options: str, beside: bool = False, patience: int = 1):
        """The guest may take `patience` times as long for anything."""
        self._built = built
        self._patience = patience
        self.directory = Path(tempfile.mkdtemp(prefix="vballoon-d-"))
        self.socket = self.directory / "vhost"
        self.control = self.directory / "control"
        self.beside = self.directory / "traditional" if beside else None
        if self.beside:  # the same guest's other device
            options = ("--traditional-socket-path", str(self.beside), *options)
        self._lines: LineSocket | None = None
        self._opened = contextlib.ExitStack()
        self._opened.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self._process = self._opened.enter_context(contextlib.closing(Process(
            "vballoond", [str(built.vballoond), "--socket-path", str(self.socket),
                          "--control-path", str(self.control), *options],
            self.directory / "log")))
        try:
            self._opened.callback(lambda: self._lines and self._lines.close())
            self.connect()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        self.pid = self._process.pid

    def connect(self) -> None:
        """A connection to the control socket, in place of one that may be there."""
        if self._lines:
            self._lines.close()
        self._lines = LineSocket(self.control, "vballoond", check=self._process.check)
        self._lines.receive(5, "its greeting")

    def log(self) -> str:
        """All that it has said."""
        return self._process.log.read_text(errors="replace")

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
        return any(self.execute("wait", seconds + 10, timeout_ms=int(seconds * 1000))["reached"]
                   for _ in range(self._patience))

    def resize(self, balloon_mib: float, seconds: float = 60) -> None:
        """Ask for a balloon of that size and wait for it."""
        self.ask(balloon_mib)
        if not self.reached(seconds):
            status = self.status()
            raise Failure(f"waited {seconds:g} s for a balloon of {balloon_mib:g} MiB: "
                          f"{json.dumps(status)}")

    def command_line(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess:
        """Run vballoonctl as a person would."""
        command = [str(self._built.vballoonctl), "--control-path", str(self.control), *arguments]
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"waited {seconds:g} s for `vballoonctl {' '.join(arguments)}` to end"
                          ) from error

    def command_line_json(self, *arguments: str) -> dict[str, Any]:
        """What vballoonctl prints for a program, in the last line. It has to work."""
        done = self.command_line(*arguments, "--json")
        if done.returncode:
            raise Failure(f"vballoonctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def process_status(self) -> dict[str, int]:
        """What the host's kernel says of the process: the numbers of /proc/PID/status."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        pairs = (line.partition(":") for line in lines)
        words = {name: value.split() for name, _, value in pairs}
        return {name: int(value[0]) for name, value in words.items()
                if value and value[0].isdigit()}

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error:
            self._process.explain(error)
        self._opened.close()
