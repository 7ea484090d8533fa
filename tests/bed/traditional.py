# SPDX-License-Identifier: BSD-3-Clause
"""A guest with a traditional balloon, vballoond's or QEMU's own: what is done to either, and what
of it can be seen."""

from typing import Protocol

from .balloon import Balloon, OwnBalloon, PeerBalloon
from .daemon import Daemon
from .failure import Failure
from .modules import PEER_MODULE
from .vm import VirtualMachine

STATISTICS_SECONDS = 10
ROUND_SECONDS = 60
SLOW, FAST = 1 << 20, 10 << 30  # bytes a second, of a migration
MIB = 1 << 20
# What both have names for, and what they are.
STATISTICS = {
    "swap-in": "stat-swap-in", "swap-out": "stat-swap-out",
    "major-faults": "stat-major-faults", "minor-faults": "stat-minor-faults",
    "mem-free": "stat-free-memory", "mem-total": "stat-total-memory",
    "mem-available": "stat-available-memory", "caches": "stat-disk-caches",
    "hugetlb-allocations": "stat-htlb-pgalloc", "hugetlb-failures": "stat-htlb-pgfail",
}


class Side(Protocol):
    """What both can do."""

    vm: VirtualMachine
    balloon: Balloon

    def statistics(self) -> dict[str, int]:
        """What the guest tells of its memory now."""

    def hint(self, least_mib: float) -> None:
        """Have the guest name what is free, once, and come back when that is over: it names so
        much."""


class Ours:
    """vballoond, device 5."""

    def __init__(self, vm: VirtualMachine, daemon: Daemon):
        self.vm = vm
        self.balloon = OwnBalloon(daemon, PEER_MODULE)
        self._daemon = daemon

    def statistics(self) -> dict[str, int]:
        told = self._daemon.execute("stats", timeout_ms=STATISTICS_SECONDS * 1000)["stats"]
        return {name: told[name] for name in STATISTICS if name in told}

    def hint(self, least_mib: float) -> None:
        self._daemon.execute("reclaim-free")
        over = self._daemon.execute("reclaim-wait", ROUND_SECONDS + 10,
                                    timeout_ms=ROUND_SECONDS * 1000)
        if not over["done"] or over["reported_bytes"] < least_mib * MIB:
            raise Failure(f"waited {ROUND_SECONDS} s for hints at {least_mib:.0f} MiB: {over}")


class Theirs:
    """The device in QEMU, which is `peer` there."""

    arguments = ["-object", "iothread,id=hints",
                 "-device", "virtio-balloon-pci,id=peer,deflate-on-oom=on,free-page-reporting=on,"
                 "free-page-hint=on,iothread=hints"]

    def __init__(self, vm: VirtualMachine):
        self.vm = vm
        self.balloon = PeerBalloon(vm)

    def statistics(self) -> dict[str, int]:
        before = self._told()["last-update"]
        self._poll(1)
        self.vm.guest.wait_for("QEMU's balloon to have newer statistics",
                               lambda: self._told()["last-update"] != before, STATISTICS_SECONDS)
        self._poll(0)
        told = self._told()["stats"]
        # What the guest does not tell QEMU has as all ones.
        return {name: told[theirs] for name, theirs in STATISTICS.items() if told[theirs] < 1 << 63}

    def _told(self) -> dict:
        return self.vm.qmp.execute("qom-get", path="/machine/peripheral/peer",
                                   property="guest-stats")

    def _poll(self, seconds: int) -> None:
        self.vm.qmp.execute("qom-set", path="/machine/peripheral/peer",
                            property="guest-stats-polling-interval", value=seconds)

    def hint(self, least_mib: float) -> None:
        """It asks for hints when it migrates, and only then: so to nowhere, and slowly until it has
        them, as they tell what it need not send."""
        execute, wait_for = self.vm.qmp.execute, self.vm.guest.wait_for
        execute("migrate-set-parameters", **{"max-bandwidth": SLOW})
        execute("migrate", uri="exec:cat >/dev/null")
        wait_for(f"hints at {least_mib:.0f} MiB", lambda: self._left_out_mib() >= least_mib,
                 ROUND_SECONDS)
        execute("migrate-set-parameters", **{"max-bandwidth": FAST})
        wait_for("QEMU to have migrated the guest to nowhere",
                 lambda: self._migration()["status"] == "completed", ROUND_SECONDS)
        execute("cont")

    def _migration(self) -> dict:
        status = self.vm.qmp.execute("query-migrate")
        if status["status"] in ("failed", "cancelled"):
            raise Failure(f"QEMU cannot migrate the guest to nowhere: {status}")
        return status

    def _left_out_mib(self) -> float:
        """What is neither sent nor still to be sent."""
        ram = self._migration().get("ram")
        if not ram:
            return 0
        sent_pages = ram["normal"] + ram["duplicate"]
        return (ram["total"] - ram["remaining"] - sent_pages * ram["page-size"]) / MIB
