# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine: QEMU, its monitor, its guest."""

import contextlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .assets import Assets
from .failure import Failure
from .guest import Guest
from .memfd import GuestMemory
from .qmp import Qmp

BOOT_SECONDS = 60
EXPLAINING_LINES = 25
SPLAT = re.compile(r"WARNING:|BUG:|Oops|general protection|Kernel panic|Bad page|Out of memory|"
                   r"list_(add|del) corruption|refcount_t|blocked for more than|soft lockup|"
                   r"self-detected stall")
PEER = ["-device", "virtio-balloon-pci,id=peer"]


@dataclass
class Machine:
    """What a virtual machine is to be like."""

    memory_mib: int = 2048
    shared: bool = True
    hugetlb: bool = False
    prealloc: bool = False  # have the host's memory from the beginning
    kexec: bool = False  # put a kernel for kexec into the initramfs
    peer: bool = False  # give it QEMU's own balloon
    balloon_socket: Path | None = None  # give it ours, over vhost-user
    kernel_parameters: list[str] = field(default_factory=list)

    def memory_backend(self) -> str:
        share = "on" if self.shared else "off"
        huge = ",hugetlb=on,hugetlbsize=2M" if self.hugetlb else ""
        early = ",prealloc=on,prealloc-threads=2" if self.prealloc else ""
        return f"memory-backend-memfd,id=mem,size={self.memory_mib}M,share={share}{huge}{early}"

    def devices(self) -> list[str]:
        arguments = []
        if self.balloon_socket:
            arguments += ["-chardev", f"socket,id=balloon,path={self.balloon_socket}",
                          "-device", "vhost-user-test-device-pci,chardev=balloon,virtio-id=13,"
                          "num_vqs=2,vq_size=256,config_size=8"]
        if self.peer:
            arguments += PEER
        return arguments


class VirtualMachine:
    """One QEMU that runs. Use it in a `with`: whatever happens, the process ends."""

    def __init__(self, assets: Assets, machine: Machine):
        self.machine = machine
        # The path of a Unix socket has a hundred bytes: stay short.
        self.directory = Path(tempfile.mkdtemp(prefix="vballoon-vm-"))
        self._opened = contextlib.ExitStack()
        self._opened.callback(shutil.rmtree, self.directory, ignore_errors=True)
        try:
            self._start(assets)
        except BaseException as error:
            self.explain(error)
            self.stop()
            raise

    def _start(self, assets: Assets) -> None:
        command = self._command(assets)
        with open(self.directory / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        self._opened.callback(self._end_process)
        self.qmp = self._opened.enter_context(
            contextlib.closing(Qmp(self.directory / "qmp", self._check_process)))
        self.guest = self._opened.enter_context(
            contextlib.closing(Guest(self.directory / "agent", assets.modules)))
        self.memory = self._opened.enter_context(
            contextlib.closing(GuestMemory(self.process.pid, self.machine.memory_mib << 20)))

    def _command(self, assets: Assets) -> list[str]:
        initrd = self.directory / "initrd"
        initrd.write_bytes(assets.initramfs(kexec=self.machine.kexec))
        parameters = ["console=ttyS0", "loglevel=6", *self.machine.kernel_parameters]
        return [*assets.qemu.command(), "-nodefaults", "-no-user-config", "-display", "none", "-S",
                *assets.accel.arguments(), "-smp", "1", "-m", f"{self.machine.memory_mib}M",
                "-object", self.machine.memory_backend(),
                "-machine", f"q35,accel={assets.accel.name},memory-backend=mem",
                "-kernel", str(assets.kernel.image), "-initrd", str(initrd),
                "-append", " ".join(parameters),
                "-serial", f"file:{self.directory}/console",
                "-serial", f"unix:{self.directory}/agent,server=on,wait=off",
                "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
                *self.machine.devices()]

    def _check_process(self) -> None:
        if self.process.poll() is not None:
            raise Failure(f"QEMU ended with status {self.process.returncode}")

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

    def _text(self, name: str) -> str:
        path = self.directory / name
        return path.read_text(errors="replace") if path.exists() else ""

    def splats(self) -> list[str]:
        """What the guest's kernel has complained of."""
        return [line for line in self._text("console").splitlines() if SPLAT.search(line)]

    def explain(self, error: BaseException) -> None:
        """Say beside an error what QEMU and the guest's kernel said last."""
        for name in ("qemu.log", "console"):
            lines = self._text(name).splitlines()[-EXPLAINING_LINES:]
            if lines:
                error.add_note(f"--- the end of {name}:\n" + "\n".join(lines))

    def _end_process(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        self._opened.close()

    def __enter__(self) -> "VirtualMachine":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error:
            self.explain(error)
        self.stop()
