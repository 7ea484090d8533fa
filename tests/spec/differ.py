#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The device against the one in model.py: the same random messages, judged answer by answer.

usage: differ.py SAY [SEED [STEPS]]
"""

import random
import struct
import subprocess
import sys

import model

PAGE_SHIFT = 12
PAGE = 1 << PAGE_SHIFT
WINDOW = 1 << 40  # where the queues and messages lie
# Two regions that adjoin, and an island.
MEMORY = ((0x40000000, 1 << 20), (0x40100000, 1 << 20), (0x50000000, 1 << 18))
FEATURES = 0x3F
RUNS = 48
STEPS = 220


class Peer:
    """The program that has the device in it."""

    def __init__(self, path):
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([path], stdin=pipe, stdout=pipe, text=True)

    def tell(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if not answer:
            raise model.Wrong(f"the device is gone after {line!r}")
        return answer

    def close(self):
        self._process.stdin.close()
        if self._process.wait():
            raise model.Wrong(f"the device ends with {self._process.returncode}")


class Driver:
    """Says what comes to its mind, and remembers what it has said."""

    def __init__(self, rng, device, peer):
        self.rng = rng
        self.device = device
        self.peer = peer
        self.log = []

    def say(self, said, room):
        self.log.append(f"todevq {said.hex(' ')} +{room}")
        word, *rest = self.peer.tell(self.log[-1])
        self.log.append(" ".join([word, *rest]))
        answer = bytes.fromhex("".join(rest)) if word == "answer" else None
        was_stopped = self.device.stopped
        self.device.message(said, room, answer)
        if self.device.stopped and not was_stopped:
            self.hear()
            self.start("start")
            if self.device.record:
                # What the message did before the device stopped is nobody's concern.
                self.say(struct.pack("<IIQQ", model.HELLO, 1, *self.device.record), 8)

    def start(self, how):
        self.log.append(how)
        self.peer.tell(how)
        self.device.stop_and_start()

    def hear(self):
        """One buffer, and what comes in it."""
        self.peer.tell("post")
        word, *rest = self.peer.tell("fromdevq")
        self.log.append(" ".join([word, *rest]))
        said = bytes.fromhex("".join(rest)) if word == "request" else None
        self.device.request(said)
        if said is None:
            # The buffer stays with the device: what comes next is told at once.
            self.start("start")

    def operate(self):
        if self.rng.random() < 0.5:
            target = self.rng.randrange(500)
            self.peer.tell(f"target {target}")
            self.device.resize(target)
        else:
            self.peer.tell("stats")
            self.device.ask_stats()

    # Messages, most of them right.

    def entry(self):
        rng = self.rng
        address, size = rng.choice(MEMORY)
        unit = 1 << (self.device.record[1] if self.device.record else PAGE_SHIFT)
        word = address + rng.randrange(size // PAGE + 2) * PAGE
        if rng.random() < 0.7:
            word -= word % unit
        if rng.random() < 0.6:
            word |= rng.choice((0, 1, 3, rng.randrange(64), 4095))
        if rng.random() < 0.04:
            word = rng.choice((0, WINDOW, (1 << 64) - 1, (1 << 64) - PAGE, rng.getrandbits(64)))
        return word

    def held_entry(self):
        if not self.device.held or self.rng.random() < 0.2:
            return self.entry()
        return self.rng.choice(sorted(self.device.held)) << PAGE_SHIFT

    def hello(self):
        rng = self.rng
        epoch, unit_shift = self.device.record or (1, PAGE_SHIFT)
        if rng.random() < 0.3:
            epoch = rng.randrange(1, 4)
        if rng.random() < 0.1:
            unit_shift = rng.choice((11, 12, 12, 13, 14, 16, 30, 31, 255))
        flags = rng.choice((0,) * 9 + (1,))
        return struct.pack("<IIQII", model.HELLO, flags, epoch, unit_shift, rng.getrandbits(2)), 8

    def add(self):
        count = self.rng.choice((0, 1, 2, 5, 9, 30))
        words = [self.entry() for _ in range(count)]
        return struct.pack(f"<II{count}Q", model.ADD, 0, *words), count + self.rng.choice(
            (0, 0, 0, 1, -count)
        )

    def withdraw(self):
        most = self.rng.choice((0, 1, 2, 7, 100, 1000, (1 << 64) - 1))
        reason = self.rng.choice((0, 0, 0, 1, 2, 3))
        if not self.device.features & model.F_WITHDRAW_REASON and self.rng.random() < 0.9:
            reason = 0
        return struct.pack("<IIQ", model.WITHDRAW, reason, most), self.rng.choice((0, 8, 12, 80))

    def stats(self):
        count = self.rng.choice((0, 1, 3))
        body = b"".join(struct.pack("<QQ", self.rng.randrange(20), 5) for _ in range(count))
        return struct.pack("<II", model.STATS, self.rng.randrange(4)) + body, 0

    def exchange(self):
        count = self.rng.choice((0, 1, 2, 6))
        words = []
        for _ in range(count):
            give = model.NOTHING if self.rng.random() < 0.2 else self.entry()
            words += [give, self.held_entry()]
        return struct.pack(f"<II{2 * count}Q", model.EXCHANGE, 0, *words), count

    def report(self):
        words = [self.entry() for _ in range(self.rng.choice((0, 1, 4)))]
        return struct.pack(f"<II{len(words)}Q", model.REPORT, 0, *words), self.rng.choice(
            (0, len(words), len(words) + 1, 1)
        )

    def report_done(self):
        return struct.pack("<IIQ", model.REPORT_DONE, 0, self.rng.randrange(3)), 0

    def spoil(self, said, room):
        """One field of a message, or its length, is another."""
        rng = self.rng
        how = rng.randrange(5)
        if how == 0:
            return struct.pack("<I", rng.choice((4, 5, 6, 7, 99, 1 << 31))) + said[4:], room
        if how == 1:
            return said[:4] + struct.pack("<I", rng.choice((1, 2, 3, 1 << 31))) + said[8:], room
        if how == 2:
            return said[: rng.randrange(len(said) + 1)], room or 1
        if how == 3:
            return said + bytes(rng.randrange(1, 20)), room
        return said, rng.choice((0, 1, 7, 9))

    def step(self):
        chance = self.rng.random()
        if chance < 0.04:
            self.start(self.rng.choice(("start", "pause")))
        elif chance < 0.12:
            self.operate()
        elif chance < 0.30:
            self.hear()
        else:
            kinds = [self.hello, self.stats] + [self.add, self.withdraw] * 4
            if self.device.features & model.F_EXCHANGE:
                kinds += [self.exchange] * 3
            if self.device.features & model.F_REPORTING:
                kinds += [self.report, self.report_done]
            message = self.rng.choice(kinds)()
            if self.rng.random() < 0.06:
                message = self.spoil(*message)
            self.say(*message)
        held = int(self.peer.tell("held")[1])
        model.check(held == len(self.device.held), f"{held} held, not {len(self.device.held)}")


def run(peer, seed, steps):
    rng = random.Random(seed)
    there = int(peer.tell("features 0")[1], 0)
    features = rng.getrandbits(6) & there & FEATURES
    if not features & model.F_PAGE_RUNS:
        features &= ~model.F_REPORTING  # a device does not offer it alone
    peer.tell(f"features {features:#x}")
    for address, size in MEMORY:
        peer.tell(f"memory {address:#x} {size:#x}")
    rings = [(int(word, 0) & -PAGE, PAGE) for word in peer.tell("rings")[1:]]
    driver = Driver(rng, model.Device(PAGE_SHIFT, features, [*MEMORY, *rings], rings), peer)
    try:
        for _ in range(steps):
            driver.step()
    except model.Wrong as clause:
        raise model.Wrong("\n".join([*driver.log[-12:], f"seed {seed}: {clause}"])) from None


def main():
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else STEPS
    try:
        peer = Peer(sys.argv[1])
        for seed in range(first, first + (RUNS if len(sys.argv) < 3 else 1)):
            run(peer, seed, steps)
        peer.close()
    except model.Wrong as why:
        print(f"{why}\nnot ok - the device does what the model from the text allows")
        return 1
    print("ok - the device does what the model from the text allows")
    return 0


sys.exit(main())
