# SPDX-License-Identifier: BSD-3-Clause
"""what need not travel is nothing that the guest needs: what is held is overwritten, all else made anew"""

import json

from bed.rig import expect

BALLOON_MIB = 320


def command(rig, *words):
    """What vballoonctl prints for a program."""
    done = rig.daemon.command_line(*words, "--json")
    expect(done.returncode == 0, f"{' '.join(words)} to work: {done.stdout}")
    return json.loads(done.stdout)


def check_bitmap(rig, skip):
    """The bitmap says the same as the runs."""
    path = rig.daemon.directory / "bitmap"
    command(rig, "skip-map", "--bitmap", str(path))
    bits = path.read_bytes()
    pages = sum(byte.bit_count() for byte in bits)
    expect(pages == skip["skip_bytes"] // skip["page_bytes"],
           f"a bitmap of {skip['skip_bytes']} bytes: it has {pages} pages")
    for run in skip["runs"]:
        for page in (run["gpa"], run["gpa"] + run["bytes"] - skip["page_bytes"]):
            page //= skip["page_bytes"]
            expect(bits[page // 8] >> page % 8 & 1, f"page {page} in the bitmap")


def zeros(rig):
    """What the host has nothing of, while the guest stands still: stretches, and how much it is."""
    told = command(rig, "skip-map", "--zeros")
    return [(run["gpa"], run["bytes"]) for run in told["runs"]], told["skip_bytes"]


def overwrite(rig):
    """While the guest stands still. Returns how much that is."""
    skip = command(rig, "skip-map")
    check_bitmap(rig, skip)
    for run in skip["runs"]:
        rig.vm.memory.overwrite(run["gpa"], run["bytes"])
    return skip["skip_bytes"]


# Proves DEV-STATE-7, DEV-STATE-8.
def run(rig):
    rig.load()
    rig.hold_pattern(leave_mib=BALLOON_MIB)
    refused = rig.daemon.command_line("skip-map")
    expect("the guest runs" in refused.stderr, f"a guest that runs to be refused: {refused.stderr}")
    rig.daemon.resize(BALLOON_MIB)
    expect(rig.daemon.status()["state"] == "ready", "a guest that is ready until it is paused")
    rig.vm.qmp.execute("stop")
    saved = command(rig, "save-state", str(rig.daemon.directory / "state"))
    skipped = overwrite(rig)
    expect(skipped == saved["held_bytes"] == BALLOON_MIB << 20,
           f"{BALLOON_MIB} MiB to skip: {skipped} bytes, saved {saved}")
    rig.vm.memory.renew(zeros(rig)[0])
    rig.vm.qmp.execute("cont")
    rig.check_pattern()
    rig.check_accounts(BALLOON_MIB)
    rig.daemon.resize(BALLOON_MIB // 4)
    rig.check_pattern()
    rig.daemon.resize(0)
    rig.guest.release()
    rig.check_returned()
