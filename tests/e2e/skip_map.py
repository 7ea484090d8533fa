# SPDX-License-Identifier: BSD-3-Clause
"""what need not travel is nothing that the guest needs: what is held is overwritten, all else made anew"""

from bed.rig import expect

BALLOON_MIB = 320


def stretches(rig, *options):
    """What one of the maps tells of a guest that stands still: stretches (guest address, bytes), and how
    much that is. Its bitmap says the same."""
    path = rig.daemon.directory / "bitmap"
    told = rig.daemon.command_line_json("skip-map", *options, "--bitmap", str(path))
    found = [(run["gpa"], run["bytes"]) for run in told["runs"]]
    page_bytes = told["page_bytes"]
    bits = 0
    for gpa, size_bytes in found:
        bits |= (1 << size_bytes // page_bytes) - 1 << gpa // page_bytes
    expect(int.from_bytes(path.read_bytes(), "little") == bits, f"a bitmap of {told['runs']}")
    expect(bits.bit_count() * page_bytes == told["skip_bytes"], f"{told['skip_bytes']} bytes in {told['runs']}")
    return found, told["skip_bytes"]


def overwrite(rig, found):
    for gpa, size_bytes in found:
        rig.vm.memory.overwrite(gpa, size_bytes)


# Proves DEV-STATE-7, DEV-STATE-8.
def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    refused = rig.daemon.command_line("skip-map")
    expect("the guest runs" in refused.stderr, f"a guest that runs to be refused: {refused.stderr}")
    rig.daemon.resize(BALLOON_MIB)
    expect(rig.daemon.status()["state"] == "ready", "a guest that is ready until it is paused")
    rig.vm.qmp.execute("stop")
    saved = rig.daemon.command_line_json("save-state", str(rig.daemon.directory / "state"))
    held, skipped = stretches(rig)
    overwrite(rig, held)
    expect(skipped == saved["held_bytes"] == BALLOON_MIB << 20,
           f"{BALLOON_MIB} MiB to skip: {skipped} bytes, saved {saved}")
    rig.vm.memory.renew(stretches(rig, "--zeros")[0])
    rig.vm.qmp.execute("cont")
    rig.check_pattern()
    rig.check_accounts(BALLOON_MIB)
    rig.daemon.resize(BALLOON_MIB // 4)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.guest.release()
    rig.check_returned()
