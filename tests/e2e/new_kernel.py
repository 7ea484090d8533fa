# SPDX-License-Identifier: BSD-3-Clause
"""What a guest that starts anew may expect, however it came to that. No scenario by itself.

Everywhere `start_anew` replaces the guest's kernel by one without the driver. Not every way of
starting anew is tried in every state of the balloon, unless all is to be thorough: a guest boots
for each.
"""

BALLOON_MIB = 448


def check_full(rig, start_anew):
    """While the balloon is full."""
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    start_anew()
    # All memory is the new kernel's now, while the device may still hold the old balloon.
    rig.hold_pattern()
    rig.check_pattern()
    rig.daemon.ask(0)
    rig.load()
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.check_host_has(BALLOON_MIB)


def check_filling(rig, start_anew):
    """While it is being filled: pages are on their way to the host when the kernel ends."""
    rig.load()
    rig.daemon.resize(0)
    rig.daemon.ask(BALLOON_MIB)
    start_anew()
    rig.hold_pattern()
    rig.check_pattern()
    rig.guest.release()


def check_standing(rig, start_anew):
    """With a target that stands: the new kernel fills the balloon by itself."""
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    start_anew()
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    rig.hold_pattern()
    rig.daemon.resize(0)
    rig.check_accounts(0)
    rig.check_pattern()
    rig.guest.release()
