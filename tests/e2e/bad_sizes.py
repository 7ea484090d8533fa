# SPDX-License-Identifier: BSD-3-Clause
"""a size that is none, or larger than the guest, is refused and changes nothing"""

from bed.rig import expect

BALLOON_MIB = 64
BAD = ("8G", "a lot", "-1", "101%", "")


def run(rig):
    rig.load()
    rig.daemon.resize(BALLOON_MIB)
    for size in BAD:
        said = rig.daemon.command_line("set", "--", size, seconds=10)
        expect(said.returncode not in (0, None) and said.stderr,
               f"`set {size}` to be refused with a reason: {said.returncode}, {said.stderr!r}")
    expect(rig.daemon.status()["target_bytes"] == BALLOON_MIB << 20, "the target to stay")
    rig.check_accounts(BALLOON_MIB)
