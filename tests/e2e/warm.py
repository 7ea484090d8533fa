# SPDX-License-Identifier: BSD-3-Clause
"""a warm balloon stays with the host, comes back without it, and is given back once it is eager"""

from bed.rig import expect

# What the guest reports as free would go to the host too, whenever its kernel comes to it.
DAEMON = ("--features", "-reporting")
BALLOON_MIB = 384
MIB = 1 << 20


def why(rig):
    """The account of every byte, whose parts have to add up."""
    account = rig.daemon.command_line_json("why")
    for name, total in account.items():
        parts = sum(part["bytes"] for part in total["parts"])
        expect(parts == total["bytes"], f"the parts of {name} to add up to {total}: {parts}")
    return {name: {part["cause"]: part["bytes"] for part in total["parts"]}
            for name, total in account.items()}


def run(rig):
    rig.load()
    rig.check_returned()
    host_mib = rig.vm.memory.allocated_mib()
    rig.daemon.execute("policy", pages="warm")
    drops = rig.daemon.status()["counters"]["drop_calls"]
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    rig.daemon.resize(BALLOON_MIB)
    rig.check_accounts(BALLOON_MIB)
    expect(rig.vm.memory.allocated_mib() >= host_mib, "the host to keep what is warm")
    expect(why(rig)["held"] == {"warm": BALLOON_MIB * MIB}, "all of it to be accounted for as warm")
    rig.daemon.resize(0)
    rig.check_accounts(0)
    meanwhile = rig.daemon.status()["counters"]["drop_calls"] - drops
    expect(meanwhile == 0, f"nothing to be given back meanwhile: {meanwhile} drops")
    rig.daemon.resize(BALLOON_MIB)
    told = rig.daemon.command_line("drop").stdout
    expect("384 MiB back" in told, f"drop to say what the host has: {told}")
    rig.check_host_has(BALLOON_MIB)
    rig.daemon.resize(0)
    rig.check_pattern()
    rig.daemon.resize(BALLOON_MIB)
    rig.daemon.execute("policy", pages="eager")
    expect(rig.daemon.reached(10), "the host to have taken what was warm")
    rig.check_host_has(BALLOON_MIB)
    expect(why(rig)["held"] == {"dropped": BALLOON_MIB * MIB}, "all of it to be given back")
    rig.daemon.resize(0)
    rig.check_pattern()
    rig.guest.release()
    rig.check_returned()
