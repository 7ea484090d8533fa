# SPDX-License-Identifier: BSD-3-Clause
"""A device, from the text of docs/spec alone: what it has to answer, and what it may.

It knows who owns each page and nothing else. Where the text leaves a choice, which pages a
WITHDRAW returns and which request goes first, it judges the choice and follows it.
"""

import struct

HELLO, ADD, WITHDRAW, STATS, EXCHANGE, REPORT, REPORT_DONE = range(7)
RESIZE, ASK_STATS, ASK_REPORT, ASK_HELLO, RESET = range(5)
F_PAGE_RUNS, F_EXCHANGE, F_WITHDRAW_REASON, F_PUSH_STATS, F_REPORTING = (1 << i for i in range(5))
NEEDS = {EXCHANGE: F_EXCHANGE, REPORT: F_REPORTING, REPORT_DONE: F_REPORTING}
START_OVER = 1
UNITS_MAX = 65536
STATS_MAX = 256
NOTHING = (1 << 64) - 1


class Stops(Exception):
    """The driver broke a rule: the clause."""


class Wrong(Exception):
    """The device broke a rule: the clause."""


def check(holds, clause):
    if not holds:
        raise Wrong(clause)


class Device:
    """One device with guest memory [(address, bytes)], queues at `rings`, the same."""

    def __init__(self, page_shift, features, memory, rings):
        self.page_shift = page_shift
        self.features = features
        if not features & F_PAGE_RUNS:  # DEV-FEAT-5
            self.features &= ~F_REPORTING
        self.memory = self._pages(memory)
        self.rings = self._pages(rings)
        self.record = None  # or (epoch, unit_shift)
        self.proven = False
        self.held = set()
        self.stopped = False
        self.target = 0
        self.asked = False  # for HELLO
        self.must = set()  # requests that are due
        self.may = set()

    def _pages(self, ranges):
        return {
            page
            for address, size in ranges
            for page in range(address >> self.page_shift, (address + size) >> self.page_shift)
        }

    # Queues and the operator.

    def stop_and_start(self):
        """Both queues are stopped, and started where they were or anew."""
        self.proven = False  # DEV-STOP-1
        self.stopped = False  # DEV-RESET-4
        self.asked = False
        self.must.discard(RESET)
        if self.record:
            self.must.discard(ASK_HELLO)
        else:
            self.may.add(ASK_HELLO)

    def resize(self, target):
        self.target = target
        self.must.add(RESIZE)  # DEV-REQ-8

    def ask_stats(self):
        self.must.add(ASK_STATS)

    def request(self, said):
        """Judge a request, or that there is none (None)."""
        ready = {RESET} if self.stopped else {RESET, ASK_HELLO}  # DEV-BAD-7
        if self.proven and not self.stopped:
            ready = {RESIZE, ASK_STATS, ASK_REPORT, ASK_HELLO}  # DEV-REQ-7
        may = set(self.may)
        if self.record and not self.proven and not self.stopped:
            may.add(ASK_HELLO)  # DEV-STOP-9
        if said is None:
            due = self.must & ready - {RESET}
            check(not due, f"DEV-REQ-8: {due} are due")
            return
        check(len(said) == 16, "DEV-REQ-1")
        kind, flags, value = struct.unpack("<IIQ", said)
        check(kind in (self.must | may) & ready, f"DEV-REQ-7: request {kind}")
        check(kind == ASK_STATS or not flags, "DEV-REQ-2")
        if kind == ASK_STATS and self.features & F_PUSH_STATS:
            check(value >> 32 == 0, "DEV-PUSH-2")
        elif kind == ASK_REPORT:
            check(self.features & F_REPORTING, "DEV-FEAT-7")
        else:
            check(value == (self.target if kind == RESIZE else 0), "DEV-REQ-3")
        check(kind != ASK_STATS or flags, "DEV-STATS-6")
        check(kind != ASK_HELLO or not self.asked, "DEV-HELLO-11")
        self.asked |= kind == ASK_HELLO
        self.must.discard(kind)
        if kind != RESIZE:
            self.may.discard(kind)

    # Messages.

    def message(self, said, room, answer):
        """Judge the answer to a message; None: the device has stopped."""
        try:
            self._message(said, room, answer)
        except Stops as clause:
            check(answer is None, f"{clause}: does not stop")
            self.stopped = True
            self.must.add(RESET)

    def _message(self, said, room, answer):
        if not said:
            raise Stops("DEV-MSG-10")
        if len(said) < 8:
            raise Stops("DEV-MSG-4")
        kind, flags = struct.unpack_from("<II", said)
        need = NEEDS.get(kind, 0)
        if kind > REPORT_DONE or need & self.features != need:
            raise Stops("DEV-MSG-5")
        self._check_form(kind, flags, said[8:], room)
        if kind != HELLO:
            if not self.record:
                self.must |= set() if self.asked else {ASK_HELLO}  # DEV-HELLO-10
            elif not self.proven and self.held & self.rings:
                raise Stops("DEV-STOP-8")
            else:
                self.proven = True  # DEV-STOP-7
        words = struct.unpack(f"<{len(said[8:]) // 8}Q", said[8:])
        self.answer = answer
        answers = (self._hello, self._add, self._withdraw, self._nothing,
                   self._exchange, self._report, self._nothing)  # fmt: skip
        answers[kind](flags, words, room)

    def _check_form(self, kind, flags, body, room):
        known = {HELLO: 1, WITHDRAW: 2 if self.features & F_WITHDRAW_REASON else 0}
        if kind != STATS and flags > known.get(kind, 0):
            raise Stops("DEV-MSG-6")
        fixed = {HELLO: 16, WITHDRAW: 8, REPORT_DONE: 8}.get(kind, 0)
        entry = {ADD: 8, STATS: 16, EXCHANGE: 16, REPORT: 8}.get(kind)
        if len(body) < fixed:
            raise Stops("DEV-MSG-4")
        if not entry and len(body) > fixed:
            raise Stops("DEV-MSG-8")
        if entry and len(body) % entry:
            raise Stops("DEV-MSG-7")
        if entry and len(body) // entry > (STATS_MAX if kind == STATS else UNITS_MAX):
            raise Stops("DEV-MSG-9")
        if kind == HELLO and room < 8:
            raise Stops("DEV-MSG-11")
        if kind in (STATS, REPORT_DONE) and room:
            raise Stops("DEV-MSG-12")

    def _answered(self, expected, clause):
        check(self.answer is not None, f"{clause}: the device has stopped")
        check(self.answer == expected, f"{clause}: {self.answer.hex()}, not {expected.hex()}")

    def _nothing(self, _flags, words, _room):
        self._answered(b"", "DEV-MSG-13")

    def _hello(self, flags, words, _room):
        epoch, unit_shift = words[0], words[1] & 0xFFFFFFFF
        if not self.page_shift <= unit_shift <= 30:
            raise Stops("DEV-HELLO-6")
        if self.record != (epoch, unit_shift) or flags & START_OVER:  # DEV-HELLO-1, 2, 3
            self.record = (epoch, unit_shift)
            self.held = set()
            self.must.add(RESIZE)  # DEV-HELLO-8
            self.may.add(ASK_STATS)  # the last one's, unanswered
        elif not self.proven and self.held & self.rings:
            raise Stops("DEV-STOP-8")
        self.proven = True
        self.asked = False
        self.must.discard(ASK_HELLO)
        self.may.discard(ASK_HELLO)
        self._answered(struct.pack("<Q", len(self.held)), "DEV-HELLO-5")

    def decode(self, entry):
        """What an entry names: its pages, None when it is misaligned; and its units."""
        unit_shift, units = self.record[1], 1
        if self.features & F_PAGE_RUNS:  # DEV-RUNS-1
            units += entry & (1 << self.page_shift) - 1
            entry -= units - 1
        if entry % (1 << unit_shift):  # DEV-ADD-4, DEV-RUNS-2
            return None, units
        first = entry >> self.page_shift
        return range(first, first + (units << unit_shift - self.page_shift)), units

    def _is_taken(self, pages):
        """Whether an ADD accepts these."""
        return (
            pages is not None
            and self.memory.issuperset(pages)  # DEV-ADD-3, DEV-RUNS-3
            and self.rings.isdisjoint(pages)  # DEV-ADD-5
        )

    def _add(self, _flags, words, room):
        verdicts = []
        decoded = [self.decode(word) if self.record else (None, 0) for word in words]
        before = set(self.held)
        if sum(units for _, units in decoded) > UNITS_MAX:
            # What it named before the limit may be on the record, or not.
            if self.answer is None:
                self.held = before
            raise Stops("DEV-MSG-9")
        for pages, _ in decoded:
            taken = self._is_taken(pages)
            if taken:
                self.held.update(pages)
            verdicts.append(taken)
        self._answered(bytes(verdicts[:room]), "DEV-ADD-7")

    def _report(self, _flags, words, room):
        decoded = [self.decode(word) if self.record else (None, 0) for word in words]
        if sum(units for _, units in decoded) > UNITS_MAX:
            raise Stops("DEV-MSG-9")
        check(self.answer is not None, "DEV-REPORT-10: the device has stopped")
        check(len(self.answer) == min(room, len(words)), "DEV-REPORT-9")
        for verdict, (pages, _) in zip(self.answer, decoded):
            check(verdict in (0, 1), "DEV-REPORT-9")
            usable = self._is_taken(pages) and self.held.isdisjoint(pages)  # DEV-REPORT-3
            check(usable or not verdict, "DEV-REPORT-11")

    def _withdraw(self, _flags, words, room):
        check(self.answer is not None, "DEV-WITHDRAW-11")
        check(len(self.answer) % 8 == 0 and len(self.answer) <= room, "DEV-WITHDRAW-7")
        check(self.record or not self.answer, "DEV-HELLO-9")
        back = 0
        for (word,) in struct.iter_unpack("<Q", self.answer):
            pages, units = self.decode(word)
            check(pages is not None, "DEV-WITHDRAW-4")
            check(self.held.issuperset(pages), "DEV-WITHDRAW-1")
            self.held.difference_update(pages)  # so that none comes twice
            back += units
        if self.record:
            unit_pages = 1 << self.record[1] - self.page_shift
            check(back * unit_pages <= words[0], "DEV-WITHDRAW-2")
        check(back <= UNITS_MAX, "DEV-WITHDRAW-3")

    def _exchange(self, _flags, words, room):
        verdicts = []
        pairs = list(zip(words[::2], words[1::2]))
        if room < len(pairs):
            raise Stops("DEV-EXCHANGE-4")
        if self.record and sum(self.decode(take)[1] for _, take in pairs) > UNITS_MAX:
            raise Stops("DEV-MSG-9")
        for give, take in pairs:
            verdicts.append(bool(self.record) and self._swap(give, take))
        self._answered(bytes(verdicts), "DEV-EXCHANGE-3")

    def _swap(self, give, take):
        back, back_units = self.decode(take)
        if back is None or not self.held.issuperset(back):  # DEV-EXCHANGE-7, 8
            return False
        if give != NOTHING:
            pages, units = self.decode(give)
            if not self._is_taken(pages) or units != back_units:  # DEV-EXCHANGE-5, 9
                return False
            if not self.held.isdisjoint(pages):  # DEV-EXCHANGE-6
                return False
            self.held.update(pages)
        self.held.difference_update(back)
        return True
