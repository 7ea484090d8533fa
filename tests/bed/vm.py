# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine: QEMU, its monitor, its guest."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import kernel_log
from .assets import Assets
from .build import OUT
from .failure import Complaint
from .guest import Guest
from .memfd import GuestMemory
from .process import Process, tail
from .qmp import Qmp

BOOT_SECONDS = 60
REPORT_SECONDS = 60  # the kernel waits for two before each part of a report
SMALL_ZONE = "DMA"  # it has less than the kernel leaves alone in each
SPLIT_MIB = 8  # whole blocks of which the kernel has used something before it reported them
KMEMLEAK = "/sys/kernel/debug/kmemleak"
# What is younger it says nothing of.
KMEMLEAK_SECONDS = 5
# A busy host may let the emulated timer miss the kernel's test of it, which ends in a panic.
EMULATED = ["no_timer_check"]
CONSOLE_LINES = 90  # of a kernel that panics for lack of memory, with what it says of that
BALLOON_DEVICE = "vhost-user-test-device-pci"
MEMORY_BALLOON = "virtio-id=13,num_vqs=2,vq_size=256,config_size=8"
TRADITIONAL = "virtio-id=5,num_vqs=5,vq_size=256,config_size=16"
PEER = ["-device", "virtio-balloon-pci,id=peer"]


@dataclass
class Machine:
    """What a virtual machine is to be like."""

    memory_mib: int = 2048
    cpus: int = 0  # as many as usual
    shared: bool = True
    hugetlb: bool = False
    memory_in: Path | None = None  # a directory for its memory's file; else it is a memfd
    prealloc: bool = False  # have the host's memory from the beginning
    pluggable_mib: int = 0  # how much can be added while it runs
    kexec: bool = False  # put a kernel for kexec into the initramfs
    unpluggable: bool = False  # put our balloon where it can be pulled out
    swap_mib: int = 0  # a disk for that, of which the guest can resume
    peer: bool = False  # give it QEMU's own balloon
    balloon_socket: Path | None = None  # give it ours, over vhost-user
    traditional: bool = False  # ours is device 5, which the kernel has a driver for
    both: bool = False  # it has that beside device 13
    beside_socket: Path | None = None  # of that one
    kernel_parameters: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)  # more of them for QEMU

    def size(self) -> str:
        if not self.pluggable_mib:
            return f"{self.memory_mib}M"
        return f"{self.memory_mib}M,slots=4,maxmem={self.memory_mib + self.pluggable_mib}M"

    def memory_backend(self) -> str:
        share = "on" if self.shared else "off"
        huge = ",hugetlb=on,hugetlbsize=2M" if self.hugetlb else ""
        early = ",prealloc=on,prealloc-threads=2" if self.prealloc else ""
        common = f"id=mem,size={self.memory_mib}M,share={share}{early}"
        if self.memory_in:
            return f"memory-backend-file,mem-path={self.memory_in},align=2M,{common}"
        return f"memory-backend-memfd,{common}{huge}"

    def devices(self) -> list[str]:
        arguments = []
        if self.unpluggable:
            arguments += ["-device", "pcie-root-port,id=bay,chassis=1"]
        if self.balloon_socket:
            shape = TRADITIONAL if self.traditional else MEMORY_BALLOON
            arguments += ["-chardev", f"socket,id=balloon,path={self.balloon_socket}",
                          "-device", f"{BALLOON_DEVICE},id=own,chardev=balloon,{shape}"
                          + (",bus=bay" if self.unpluggable else "")]
        if self.beside_socket:
            arguments += ["-chardev", f"socket,id=beside,path={self.beside_socket}",
                          "-device", f"vhost-user-test-device-pci,chardev=beside,{TRADITIONAL}"]
        if self.peer:
            arguments += PEER
        return [*arguments, *self.arguments]


class VirtualMachine:
    """One QEMU that runs. Use it in a `with`: whatever happens, the process ends."""

    def __init__(self, assets: Assets, machine: Machine):
        machine.memory_mib += assets.kernel.own_mib()
        self.machine = machine
        # The path of a Unix socket has a hundred bytes: stay short.
        self.directory = Path(tempfile.mkdtemp(prefix="vballoon-vm-"))
        self._console = self.directory / "console"
        self._complaints_seen = 0
        self._finds_leaks = assets.kernel.finds_leaks()
        self._patience = assets.kernel.patience()
        self._opened = contextlib.ExitStack()
        self._opened.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self._process = self._opened.enter_context(contextlib.closing(
            Process("QEMU", self._command(assets), self.directory / "qemu.log")))
        try:
            self._connect(assets)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        self.pid = self._process.pid

    def _connect(self, assets: Assets) -> None:
        def opened(closable):
            return self._opened.enter_context(contextlib.closing(closable))

        self.qmp = opened(Qmp(self.directory / "qmp", self._process.check))
        self.guest = opened(Guest(self.directory / "agent", assets.modules, self._patience))
        self.memory = opened(GuestMemory(self._process.pid, self.machine.memory_mib << 20,
                                         self.machine.memory_in))

    def _command(self, assets: Assets) -> list[str]:
        initrd = self.directory / "initrd"
        initrd.write_bytes(assets.initramfs(kexec=self.machine.kexec))
        parameters = ["console=ttyS0", "loglevel=6", *EMULATED, *self.machine.kernel_parameters]
        if assets.kernel.is_set("KASAN"):
            # As others tell of every mistake, not of the first.
            parameters.append("kasan_multi_shot")
        swap = []
        if self.machine.swap_mib:
            (self.directory / "swap").touch()
            os.truncate(self.directory / "swap", self.machine.swap_mib << 20)
            parameters += ["resume=/dev/nvme0n1", "resumewait"]
            swap = ["-drive", f"file={self.directory}/swap,if=none,format=raw,id=swap",
                    "-device", "nvme,drive=swap,serial=swap"]
        return [*assets.qemu.command(), "-nodefaults", "-no-user-config", "-display", "none", "-S",
                *assets.accel.arguments(self.machine.cpus or assets.cpus),
                "-m", self.machine.size(),
                "-object", self.machine.memory_backend(),
                "-machine", "q35,memory-backend=mem",
                "-kernel", str(assets.kernel.image), "-initrd", str(initrd),
                "-append", " ".join(parameters),
                "-serial", f"file:{self._console}",
                "-serial", f"unix:{self.directory}/agent,server=on,wait=off",
                "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
                *swap, *self.machine.devices()]

    def boot(self, seconds: float = BOOT_SECONDS) -> None:
        """Let it run until the guest's init answers. It was made stopped."""
        self.qmp.execute("cont")
        self.guest.wait_ready(seconds)

    def reset(self) -> None:
        """As the reset button does."""
        self.guest.forget()
        self.qmp.execute("system_reset")
        self.guest.wait_ready(BOOT_SECONDS)

    def end_kernel(self, how: str) -> None:
        """Have the guest kexec or reboot, and wait for the kernel that follows."""
        self.guest.end(how)
        self.guest.wait_ready(BOOT_SECONDS)

    def console(self) -> str:
        """All that the guest's kernel has said."""
        return self._console.read_text(errors="replace")

    def kept_waiting_ms(self) -> float:
        """How long its processor and its devices have waited for a busy host to run them, ever."""
        cpus = self.qmp.execute("query-cpus-fast")
        threads = [self.pid, *(cpu["thread-id"] for cpu in cpus)]
        stats = [Path(f"/proc/{thread}/schedstat").read_text().split() for thread in threads]
        return sum(int(waited_ns) for _, waited_ns, _ in stats) / 1e6

    def plug(self, mib: int) -> None:
        """Give it another memory module."""
        self.qmp.execute("object-add", **{"qom-type": "memory-backend-memfd", "id": "plugged",
                                          "size": mib << 20, "share": True})
        self.qmp.execute("device_add", driver="pc-dimm", id="dimm", memdev="plugged")

    def await_reports(self) -> None:
        """The host has all that the guest's kernel reports as free, without a balloon."""
        order, most_mib = self.guest.block_order(), 0.0

        def has_all() -> bool:
            nonlocal most_mib
            # What the kernel has in hand to report it does not count as free meanwhile.
            most_mib = max(most_mib, self.guest.free_huge_mib(order, SMALL_ZONE))
            left_mib = self.machine.memory_mib - most_mib + SPLIT_MIB
            return self.memory.allocated_mib() <= left_mib

        self.guest.wait_for("the host to have what is free in whole blocks", has_all, REPORT_SECONDS)

    def unplug_balloon(self) -> None:
        """Pull our balloon out: the guest has let go of it when this comes back."""
        self.qmp.events.clear()
        self.qmp.execute("device_del", id="own")
        self.qmp.await_event("DEVICE_DELETED")

    def plug_balloon(self) -> None:
        """Plug it in again, where it was."""
        shape = dict(pair.split("=") for pair in MEMORY_BALLOON.split(","))
        self.qmp.execute("device_add", driver=BALLOON_DEVICE, id="own", chardev="balloon", bus="bay",
                         **{name: int(value) for name, value in shape.items()})

    def _leaks(self) -> list[str]:
        """Memory of the guest's kernel's that nobody knows of any more."""
        time.sleep(KMEMLEAK_SECONDS)
        # What it does not find the first time may only have been on its way.
        for _ in range(2):
            self.guest.ask(f"write {KMEMLEAK} scan", seconds=60)
        leaks = self.guest.ask(f"read {KMEMLEAK}")
        self.guest.ask(f"write {KMEMLEAK} clear")
        return [leaks] if leaks else []

    def check_kernel(self, killed: int = 0, leaks: bool = True) -> None:
        """Since it was last asked the guest's kernel has told of so many processes that it killed
        for lack of memory, and has complained of nothing else. To look for `leaks` takes long,
        where the kernel can; what has leaked it still finds later."""
        found = self._leaks() if leaks and self._finds_leaks else []
        all_of_them = kernel_log.complaints(self.console())
        fresh, self._complaints_seen = all_of_them[self._complaints_seen:], len(all_of_them)
        kills = [line for line in fresh if kernel_log.is_kill(line)]
        if found or kills != fresh or len(kills) != killed:
            raise Complaint(f"expected no complaint of the guest's kernel, and {killed} killed: "
                            + "; ".join([*fresh, *found][:3]))

    def __enter__(self) -> "VirtualMachine":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error:
            self._process.explain(error)
            if self._console.exists():
                kept = shutil.copy(self._console, OUT / f"{self.directory.name}.console")
                error.add_note(f"--- the guest's kernel said, and {kept} has all of it:\n"
                               f"{tail(self._console, CONSOLE_LINES)}")
        self._opened.close()
