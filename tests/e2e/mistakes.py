# SPDX-License-Identifier: BSD-3-Clause
"""what the guest's kernel complains of, whatever it is, fails the scenario that it comes in"""

from bed.failure import Complaint
from bed.modules import MISTAKES_MODULE
from bed.rig import expect

SPOILS = True
MAKE = f"/sys/module/{MISTAKES_MODULE}/parameters/make"
# What finds each, where the kernel has it. No lock is looked at after some of them.
MISTAKES = {
    "warning": None,
    "lock-order": "PROVE_LOCKING",
    "sleep": "DEBUG_ATOMIC_SLEEP",
    "overrun": "KASAN",
    "use-after-free": "KASAN",
    "free-timer": "DEBUG_OBJECTS_TIMERS",
    "leak": "DEBUG_KMEMLEAK",
}


def complaint(rig, leaks):
    try:
        rig.vm.check_kernel(leaks=leaks)
    except Complaint as said:
        return said
    return None


def run(rig):
    rig.guest.load(MISTAKES_MODULE)
    expect(complaint(rig, False) is None, "no complaint before the first mistake")
    found = [name for name, option in MISTAKES.items()
             if not option or rig.assets.kernel.is_set(option)]
    for name in found:
        rig.guest.ask(f"write {MAKE} {name}")
        said = complaint(rig, name == "leak")
        expect(said is not None, f"the kernel to be heard when it finds: {name}")
    print(f"    {len(found)} mistakes found: {', '.join(found)}")
