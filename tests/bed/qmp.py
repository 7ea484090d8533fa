# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's monitor protocol: JSON objects, one a line."""

import json
from pathlib import Path
from typing import Any, Callable

from .failure import Failure
from .lines import LineSocket


# QEMU has its guest's memory first, of which a large one takes a while to clear.
GREETING_SECONDS = 60


class Qmp:
    """QEMU's monitor."""

    def __init__(self, path: Path, check: Callable[[], None] = lambda: None):
        self._lines = LineSocket(path, "QEMU's monitor", check=check)
        self._lines.receive(GREETING_SECONDS, "its greeting")
        self.events: list[dict[str, Any]] = []
        self.execute("qmp_capabilities")

    def _message(self, seconds: float, awaited: str) -> dict[str, Any]:
        return json.loads(self._lines.receive(seconds, awaited))

    def execute(self, command: str, seconds: float = 10, **arguments: Any) -> Any:
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self._lines.send(json.dumps(request))
        while True:
            message = self._message(seconds, f"the answer to {command}")
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise Failure(f"{command}: {message['error']['desc']}")
            else:
                return message["return"]

    def await_event(self, name: str, seconds: float = 30) -> None:
        """Wait for an event; one that has come already will do."""
        while not any(event["event"] == name for event in self.events):
            message = self._message(seconds, f"the event {name}")
            if "event" in message:
                self.events.append(message)

    def close(self) -> None:
        self._lines.close()
