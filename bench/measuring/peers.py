# SPDX-License-Identifier: BSD-3-Clause
"""What else takes memory from a guest, driven as our balloon is."""

import time

from bed.balloon import RESIZE_SECONDS
from bed.failure import Failure
from bed.vm import VirtualMachine

POLL_SECONDS = 0.001
DEVICE = "/machine/peripheral/plugged"


class PluggedMemory:
    """virtio-mem: a "balloon" of what is unplugged of it."""

    name = "virtio-mem"
    driver = "virtio_mem"
    KERNEL_PARAMETERS = ["memhp_default_state=online_movable"]

    def __init__(self, vm: VirtualMachine, size_mib: int):
        self._qmp = vm.qmp
        self._size_mib = size_mib

    @staticmethod
    def arguments(size_mib: int) -> list[str]:
        """For a QEMU that has it, with nothing plugged."""
        return ["-object", f"memory-backend-memfd,id=plugged,size={size_mib}M,share=on",
                "-device", "virtio-mem-pci,id=plugged,memdev=plugged,requested-size=0"]

    def _get(self, name: str) -> int:
        return self._qmp.execute("qom-get", path=DEVICE, property=name)

    def resize(self, balloon_mib: int) -> None:
        wanted = (self._size_mib - balloon_mib) << 20
        self._qmp.execute("qom-set", path=DEVICE, property="requested-size", value=wanted)
        deadline = time.monotonic() + RESIZE_SECONDS
        while self._get("size") != wanted:
            if time.monotonic() > deadline:
                raise Failure(f"waited {RESIZE_SECONDS} s for {wanted >> 20} MiB to be plugged: "
                              f"{self._get('size') >> 20} are")
            time.sleep(POLL_SECONDS)

    def size_mib(self) -> float:
        return self._size_mib - self._get("size") / (1 << 20)
