# SPDX-License-Identifier: BSD-3-Clause
"""free memory that must be zero is reported only where the kernel has it mapped, to clear it"""

from bed.modules import BALLOON_MODULE
from bed.rig import SYSFS, expect, served
from bed.willing_device import ASK_REPORT

from reports_that_spoil import OWN_MACHINE as CLEARING_MACHINE
from reports_that_spoil import SpoilingDevice

GUESTS_OF_THEIR_OWN = True
# A kernel that can do so takes what is free out of its own map; others do not know the last.
OWN_MACHINE = {**CLEARING_MACHINE, "kernel_parameters": [
    *CLEARING_MACHINE["kernel_parameters"], "debug_pagealloc=on"]}
REPORTING_BIT = 4


# Proves DRV-REPORT-3.
def run(assets):
    maps = not assets.kernel.is_set("DEBUG_PAGEALLOC")
    with served(assets, SpoilingDevice(), **OWN_MACHINE) as (device, vm):
        vm.guest.load(BALLOON_MODULE)
        vm.guest.wait_for("the driver", lambda: device._epoch)
        reports = vm.guest.ask(f"read {SYSFS}/features")[REPORTING_BIT] == "1"
        if reports:  # half of it is left for the guest to clear
            device.ask(ASK_REPORT, value=1)
            vm.guest.wait_for("the round", lambda: 1 in device.rounds)
        expect(reports == maps, f"reports: {reports}, and free memory to be mapped: {maps}")
        vm.guest.unload(BALLOON_MODULE)
        vm.check_kernel(leaks=False)
