# SPDX-License-Identifier: BSD-3-Clause
"""A memory balloon that works, but for the one lie it is told to tell. It notes what the
driver does wrong."""

import struct
from typing import Callable

from .back_end import BackEnd
from .witness import Witness

PAGE_SHIFT = 12
REVISION = 1
F_PAGE_RUNS = 1 << 0
FROMDEVQ, TODEVQ = 0, 1
RESIZE, ASK_STATS, HELLO_AGAIN, RESET = 0, 1, 3, 4
START_OVER = 1
RUN_PAGES_MAX = 1 << PAGE_SHIFT
ANSWER_PAGES_MAX = 65536
ANSWER_BYTES_MAX = 512 * 8  # what the driver has room for

Lie = Callable[["CrookedDevice", bytes], bytes | tuple[bytes, int]]


def honest(_device: "CrookedDevice", answer: bytes) -> bytes:
    return answer


class CrookedDevice(BackEnd):
    """`lies` change an answer, by message: its bytes, or its bytes and another length."""

    features = F_PAGE_RUNS
    messages: tuple[str, ...] = ("hello", "add", "withdraw", "stats")  # by their types
    config = struct.pack("<II", PAGE_SHIFT, REVISION)

    def __init__(self) -> None:
        self.runs: list[tuple[int, int]] = []  # held: the first page, how many
        self.lies: dict[str, Lie] = {}
        self.mute = False
        self.witness = Witness()
        self._epoch = self._target = 0
        self._requests: list[tuple[int, int, int]] = []
        super().__init__()

    def held(self) -> int:
        with self.lock:
            return sum(pages for _, pages in self.runs)

    def ask(self, request: int, value: int = 0, flags: int = 0) -> None:
        """Make a request; RESIZE with its target in pages, STATS with its cookie in the flags."""
        with self.lock:
            if request == RESIZE:
                self._target = value
            if request == ASK_STATS:
                self.witness.asked_for_stats(flags)
            self._requests.append((request, flags, value))
            self._send_requests()

    def started(self) -> None:
        self.witness.started()

    def kicked(self) -> None:
        while not self.mute and self.queues[TODEVQ].kick >= 0:
            chain = self.queues[TODEVQ].pop(self.memory)
            if not chain:
                break
            head, said, writable = chain
            self._hears(said, room_of(writable))
            kind, flags = struct.unpack_from("<II", said)
            name = self.messages[kind]
            answer = self.lies.get(name, honest)(self, getattr(self, "_" + name)(flags, said[8:]))
            answer, length = answer if isinstance(answer, tuple) else (answer, len(answer))
            self.queues[TODEVQ].push(self.memory, head, writable, answer, length)
        self._send_requests()

    def _hears(self, said: bytes, room: int) -> None:
        self.witness.hears(said, room, self.runs)

    def _send_requests(self) -> None:
        queue = self.queues[FROMDEVQ]
        while self._requests and queue.kick >= 0:
            chain = queue.pop(self.memory)
            if not chain:
                return
            head, said, writable = chain
            if said or room_of(writable) < 16:
                raise ValueError("a buffer for requests is none: DRV-REQ-2")
            request = struct.pack("<IIQ", *self._requests.pop(0))
            queue.push(self.memory, head, writable, request, 16)

    def _hello(self, flags: int, said: bytes) -> bytes:
        epoch, = struct.unpack_from("<Q", said)
        if epoch != self._epoch or flags & START_OVER:
            self.runs = []
            self._requests = [(RESIZE, 0, self._target)]
        self._epoch = epoch
        return struct.pack("<Q", sum(pages for _, pages in self.runs))

    def _add(self, _flags: int, said: bytes) -> bytes:
        entries = [entry for entry, in struct.iter_unpack("<Q", said)]
        self.runs += [(entry >> PAGE_SHIFT, entry % RUN_PAGES_MAX + 1) for entry in entries]
        return bytes([1] * len(entries))

    def _withdraw(self, _flags: int, said: bytes) -> bytes:
        most = min(struct.unpack_from("<Q", said)[0], ANSWER_PAGES_MAX)
        answer = b""
        while most and self.runs and len(answer) < ANSWER_BYTES_MAX:
            first, pages = self.runs.pop()
            taken = min(pages, most)
            if taken < pages:
                self.runs.append((first + taken, pages - taken))
            most -= taken
            answer += entry(first, taken)
        return answer

    def _stats(self, _flags: int, _said: bytes) -> bytes:
        return b""


def room_of(writable) -> int:
    return sum(length for _, _, length in writable)


def entry(first: int, pages: int) -> bytes:
    """A run of pages, as on the wire."""
    return struct.pack("<Q", first << PAGE_SHIFT | pages - 1)
