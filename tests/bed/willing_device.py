# SPDX-License-Identifier: BSD-3-Clause
"""A memory balloon that offers every feature and notes what the driver makes of them."""

import mmap
import struct
import time

from .crooked_device import PAGE_SHIFT, RUN_PAGES_MAX, CrookedDevice

F_ALL = (1 << 5) - 1  # but for zeroed pages, which it does not promise
F_ZEROED = 1 << 5
ASK_REPORT = 2
GIVE_NOTHING = (1 << 64) - 1


def run_of(entry: int) -> tuple[int, int]:
    """The first page that an entry names, and how many."""
    return entry >> PAGE_SHIFT, entry % RUN_PAGES_MAX + 1


class WillingDevice(CrookedDevice):
    """Drops what is reported, and nothing else."""

    features = F_ALL
    messages = (*CrookedDevice.messages, "exchange", "report", "report_done")

    def __init__(self) -> None:
        self.reasons: list[int] = []
        self.taken_pages = 0
        self.reported_pages = 0
        self.rounds: dict[int, float] = {}  # when each was over, by its id
        self.pushed: list[tuple[float, dict[int, int]]] = []  # when, and the values by their tags
        super().__init__()

    def _hears(self, said: bytes, room: int) -> None:
        pass  # its witness knows the base protocol only

    def _withdraw(self, flags: int, said: bytes) -> bytes:
        self.reasons.append(flags)
        return super()._withdraw(flags, said)

    def _stats(self, flags: int, said: bytes) -> bytes:
        if flags == 0:
            values = {tag: value for tag, _, value in struct.iter_unpack("<H6sQ", said)}
            self.pushed.append((time.monotonic(), values))
        return b""

    def _exchange(self, _flags: int, said: bytes) -> bytes:
        return bytes(self._take(*run_of(take)) if give == GIVE_NOTHING else 0
                     for give, take in struct.iter_unpack("<QQ", said))

    def _take(self, first: int, pages: int) -> int:
        """Take pages out of the balloon, if all of them are in it."""
        end = first + pages
        inside = sum(max(0, min(end, start + count) - max(first, start))
                     for start, count in self.runs)
        if inside != pages:
            return 0
        left = []
        for start, count in self.runs:
            left.append((start, min(first, start + count) - start))
            left.append((max(end, start), start + count - max(end, start)))
        self.runs = [(start, count) for start, count in left if count > 0]
        self.taken_pages += pages
        return 1

    def _report(self, _flags: int, said: bytes) -> bytes:
        for entry, in struct.iter_unpack("<Q", said):
            first, pages = run_of(entry)
            mapped, offset = self.memory.guest(first << PAGE_SHIFT)
            mapped.madvise(mmap.MADV_REMOVE, offset, pages << PAGE_SHIFT)
            self.reported_pages += pages
        return b""

    def _report_done(self, _flags: int, said: bytes) -> bytes:
        self.rounds[struct.unpack_from("<Q", said)[0]] = time.monotonic()
        return b""
