# SPDX-License-Identifier: BSD-3-Clause
"""What a driver's messages say of the driver: the clauses of docs/spec that it breaks."""

import struct

PAGE_SHIFT = 12
HELLO, ADD, WITHDRAW, STATS = range(4)
START_OVER = 1
UNITS_MAX = 65536
STATS_MAX = 256
SHIFT_MAX = 30


class Witness:
    """Hears every message before it is answered, and each start of the queues."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.heard: set[int] = set()  # kinds of messages
        self._epochs: list[int] = []
        self._is_new = True
        self._cookie = None

    def _expect(self, holds: bool, clause: str) -> None:
        if not holds and clause not in self.broken:
            self.broken.append(clause)

    def started(self) -> None:
        self._is_new = True

    def asked_for_stats(self, cookie: int) -> None:
        self._cookie = cookie

    def hears(self, said: bytes, room: int, runs: list[tuple[int, int]]) -> None:
        """A message, with what is in the balloon, in runs of pages."""
        self._expect(len(said) >= 8, "DRV-MSG-1")
        kind, flags = struct.unpack_from("<II", said)
        self._expect(kind <= STATS, "DRV-FEAT-5")
        self.heard.add(kind)
        self._expect(kind == HELLO or not self._is_new, "DRV-HELLO-1")
        if kind == HELLO:
            self._hello(flags, said[8:], room)
        elif kind == ADD:
            self._add(flags, said[8:], room, runs)
        elif kind == WITHDRAW:
            self._expect(flags == 0, "DRV-REASON-1")
        else:
            self._stats(flags, said[8:])

    def _hello(self, flags: int, body: bytes, room: int) -> None:
        epoch, unit_shift, reserved = struct.unpack("<QII", body)
        self._expect(flags in (0, START_OVER), "DRV-MSG-2")
        if self._is_new:
            self._expect(epoch not in self._epochs, "DRV-HELLO-2")
            self._epochs.append(epoch)
        self._is_new = False
        self._expect(epoch == self._epochs[-1], "DRV-HELLO-3")
        self._expect(PAGE_SHIFT <= unit_shift <= SHIFT_MAX, "DRV-HELLO-4")
        self._expect(reserved == 0, "DRV-HELLO-5")
        self._expect(room >= 8, "DRV-HELLO-9")

    def _add(self, flags: int, body: bytes, room: int, runs: list) -> None:
        entries = [entry for entry, in struct.iter_unpack("<Q", body)]
        added = [(entry >> PAGE_SHIFT, entry % (1 << PAGE_SHIFT) + 1) for entry in entries]
        pages = sum(count for _, count in added)
        self._expect(flags == 0, "DRV-MSG-2")
        self._expect(pages <= UNITS_MAX, "DRV-MSG-3")
        self._expect(room >= len(entries), "DRV-ADD-5")
        self._expect(all(first + count <= 1 << 64 - PAGE_SHIFT for first, count in added),
                     "DRV-RUNS-3")
        ordered = sorted(runs + added)
        self._expect(all(first + count <= following for (first, count), (following, _)
                         in zip(ordered, ordered[1:])), "DRV-ADD-2")

    def _stats(self, cookie: int, body: bytes) -> None:
        stats = list(struct.iter_unpack("<H6sQ", body))
        tags = [tag for tag, _, _ in stats]
        self._expect(cookie == self._cookie, "DRV-STATS-1")
        self._expect(len(set(tags)) == len(tags), "DRV-STATS-3")
        self._expect(len(stats) <= STATS_MAX, "DRV-STATS-5")
        self._expect(all(reserved == bytes(6) for _, reserved, _ in stats), "DRV-STATS-6")
