# SPDX-License-Identifier: BSD-3-Clause
"""A guest with our balloon, or with a scenario's own device, and what every scenario asks of the two."""

import contextlib
import time
from typing import Any, Iterator

from .assets import Assets
from .back_end import BackEnd
from .daemon import Daemon
from .failure import Failure
from .modules import BALLOON_MODULE, PEER_MODULE
from .vm import Machine, VirtualMachine

SYSFS = f"/sys/bus/virtio/drivers/{BALLOON_MODULE}/virtio*"
HELD_PAGES = f"{SYSFS}/held_pages"
MOVED_PAGES = f"{SYSFS}/account/moved_pages"
PATTERN_SEED = 3
TOUCH_SEED = 4
# Of the memory that is to be had when it is taken: the kernel needs some to work with.
PATTERN_SHARE = 0.85
DEFAULT_POLICY = {"pages": "eager", "withdraw_target": "grant", "withdraw_pressure": "grant",
                  "withdraw_oom": "grant", "floor_bytes": 0, "inflate_bytes_per_s": 0}
ACCOUNT_SECONDS = 5
HELD_SECONDS = 30
# Of what was asked for, the host must have this back.
RETURNED_SHARE = 0.99


def expect(true: bool, text: str) -> None:
    """Fail, saying what was expected, unless it is true."""
    if not true:
        raise Failure(f"expected {text}")


@contextlib.contextmanager
def served(assets: Assets, device: BackEnd, **machine: Any) -> Iterator[tuple[Any, VirtualMachine]]:
    """That device, and such a machine that has booted with it. It has to have met no error by the end."""
    with device, VirtualMachine(assets, Machine(**machine, balloon_socket=device.socket)) as vm:
        vm.boot()
        yield device, vm
        expect(device.error is None, f"no error in the device: {device.error}")


class Rig:
    """A daemon and a virtual machine. Use it in a `with`."""

    def __init__(self, assets: Assets, machine: Machine, *daemon_options: str):
        self.assets = assets
        self.thorough = False  # more rounds of the same
        with contextlib.ExitStack() as stack:
            self.driver = PEER_MODULE if machine.traditional else BALLOON_MODULE
            if machine.traditional:
                daemon_options = ("--device", "traditional", *daemon_options)
            self.daemon = stack.enter_context(
                Daemon(assets.built, *daemon_options, beside=machine.both,
                       patience=assets.kernel.patience()))
            machine.balloon_socket = self.daemon.socket
            machine.beside_socket = self.daemon.beside
            self.vm = stack.enter_context(VirtualMachine(assets, machine))
            self.guest = self.vm.guest
            self.vm.boot()
            self._opened = stack.pop_all()

    def load(self) -> None:
        """Load the balloon's driver."""
        self.guest.load(self.driver)

    def clear(self) -> None:
        """Make it as it is after booting, for the next scenario."""
        self.daemon.execute("policy", **DEFAULT_POLICY)
        self.daemon.ask(0)
        self.load()
        self.daemon.resize(0)
        expect(self._accounts(0) == (0, 0), "a guest that has all of its memory back")
        self.guest.release()

    def hold_pattern(self, leave_mib: int = 0) -> None:
        """Have the guest hold most of its free memory, but what is left for a balloon."""
        # Free memory below the kernel's watermarks is not to be had, by a balloon least of all.
        to_be_had_mib = self.guest.memory_mib()["available"]
        self.guest.fill((to_be_had_mib - leave_mib) * PATTERN_SHARE, PATTERN_SEED)

    def check_pattern(self) -> None:
        """Not one page that the guest holds may have changed."""
        pages, bad = self.guest.verify(PATTERN_SEED)
        expect(pages > 0, "the guest to hold a pattern")
        expect(bad == 0, f"{pages} pages that the guest holds to be intact: {bad} are not")

    def check_returned(self, mib: float = 0) -> int:
        """All memory that is free again, or so much of it, can be written and read. Returns the pages."""
        pages, bad = self.guest.touch(TOUCH_SEED, mib)
        expect(bad == 0, f"{pages} free pages to keep what is written: {bad} did not")
        return pages

    def held_pages(self) -> int:
        """The balloon by the guest's account."""
        if self.vm.machine.traditional:
            status = self.daemon.status()
            return status["claimed_bytes"] // status["page_bytes"]
        return self.read_number(HELD_PAGES)

    def read_number(self, path: str) -> int:
        """A file in the guest that holds a number."""
        return int(self.guest.ask(f"read {path}"))

    def _accounts(self, pages: int) -> tuple[int, int]:
        """The balloon by the device's account and by the guest's, once both are at so many pages: a
        balloon passes through a size while the guest has yet to see that no more is asked for, and
        the guest counts when it has got to the device's last answer."""
        deadline = time.monotonic() + ACCOUNT_SECONDS * self.assets.kernel.patience()
        while True:
            status = self.daemon.status()
            accounts = status["held_bytes"] // status["page_bytes"], self.held_pages()
            if accounts == (pages, pages) or time.monotonic() >= deadline:
                return accounts
            time.sleep(0.01)

    def await_held(self, mib: float) -> None:
        """Wait until so much is in the balloon. It looks without a pause, to be there while more comes."""
        deadline = time.monotonic() + HELD_SECONDS * self.assets.kernel.patience()
        while (held_mib := self.daemon.status()["held_bytes"] / (1 << 20)) < mib:
            expect(time.monotonic() < deadline, f"{mib} MiB in the balloon by now: {held_mib:.0f}")

    def check_accounts(self, balloon_mib: int) -> None:
        """Guest and device agree, to the page."""
        page_bytes = self.daemon.status()["page_bytes"]
        pages = (balloon_mib << 20) // page_bytes
        device_pages, guest_pages = self._accounts(pages)
        expect(device_pages == guest_pages == pages,
               f"{pages} pages in the balloon: the device says {device_pages}, "
               f"the guest {guest_pages}")

    def check_host_has(self, balloon_mib: int) -> None:
        """The host has the memory that is in the balloon."""
        allowed_mib = self.vm.machine.memory_mib - balloon_mib * RETURNED_SHARE
        allocated_mib = self.vm.memory.allocated_mib()
        expect(allocated_mib <= allowed_mib,
               f"the host to hold at most {allowed_mib:.0f} MiB: it holds {allocated_mib:.0f}")

    def check_kernel(self) -> None:
        """The guest's kernel has complained of nothing since it was last asked."""
        self.vm.check_kernel()

    def __enter__(self) -> "Rig":
        return self

    def __exit__(self, *error) -> None:
        self._opened.__exit__(*error)
