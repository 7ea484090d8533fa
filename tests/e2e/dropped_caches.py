# SPDX-License-Identifier: BSD-3-Clause
"""caches that somebody drops by hand are no want of memory: the balloon stays as it is"""

from bed.rig import SYSFS, expect

BALLOON_MIB = 256
RETURNED_PAGES = f"{SYSFS}/account/returned_for_pressure_pages"


def run(rig):
    guest = rig.guest
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    guest.wait_for("memory to have been short ten seconds ago, if at all",
                   lambda: guest.ask(f"read {SYSFS}/state") == "running")
    returned = rig.read_number(RETURNED_PAGES)
    guest.ask("write /proc/sys/vm/drop_caches 3")
    state = guest.ask(f"read {SYSFS}/state")
    expect(state == "running", f"the driver to see no want of memory: {state}")
    rig.check_accounts(BALLOON_MIB)
    returned = rig.read_number(RETURNED_PAGES) - returned
    expect(returned == 0, f"nothing to be asked back: {returned} pages were")
    rig.daemon.resize(0)
    rig.check_returned()
