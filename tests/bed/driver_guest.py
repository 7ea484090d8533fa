# SPDX-License-Identifier: BSD-3-Clause
"""driver_guest ASSETS SOCKET: a guest with the module in it, for whoever plays its device.

ASSETS is a file with what a virtual machine is made from, pickled. The device has to listen at
SOCKET; the guest runs until the program is ended.
"""

import pickle
import signal
import sys
from pathlib import Path

from .modules import BALLOON_MODULE
from .process import end_on_signal
from .vm import Machine, VirtualMachine

MEMORY_MIB = 256


def main() -> None:
    assets = pickle.loads(Path(sys.argv[1]).read_bytes())
    machine = Machine(memory_mib=MEMORY_MIB, balloon_socket=Path(sys.argv[2]))
    end_on_signal()
    with VirtualMachine(assets, machine) as vm:
        vm.boot()
        vm.guest.load(BALLOON_MODULE)
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
