#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Look into the built archives of the freestanding layers.

They call nothing outside themselves but what a compiler may call anyway, and
have no variable that outlives a call: two devices in one process share nothing.
"""

import subprocess
import sys
from pathlib import Path

LAYERS = ["base", "memory", "ring", "policy", "state", "device", "driver"]

# What a compiler may call on its own account, and its hardened forms.
ALLOWED = {
    "memcpy", "memmove", "memset", "memcmp",
    "__memcpy_chk", "__memmove_chk", "__memset_chk",
    "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_", "__popcountdi2",
}  # fmt: skip


def symbols(archive):
    """(name, section) of every symbol in an archive."""
    table = subprocess.run(
        ["objdump", "-t", archive], check=True, capture_output=True, text=True
    ).stdout
    for line in table.splitlines():
        # value, seven flag characters, section, tab, size, name
        left, tab, right = line.partition("\t")
        if tab and len(left) > 25:
            yield right.split()[-1], left[25:].strip()


def is_mutable(section):
    """Whether what lies in a section can change. Constant tables of pointers lie
    in .data.rel.ro: the loader writes them once."""
    if section.startswith(".data"):
        return not section.startswith(".data.rel.ro")
    return section.startswith((".bss", ".tdata", ".tbss", "*COM*"))


# Proves DEV-MEM-9.
def main():
    root, build = Path(sys.argv[1]), Path(sys.argv[2])
    failed = seen = 0
    defined, wanted = set(), {}
    for layer in LAYERS:
        archives = sorted((build / "src" / layer).rglob("*.a"))
        if not archives and list((root / "src" / layer).rglob("*.c")):
            print(f"src/{layer}: has source files, but no archive was built of them")
            failed += 1
        for archive in archives:
            seen += 1
            for name, section in symbols(archive):
                if section == "*UND*":
                    wanted.setdefault(name, archive.name)
                    continue
                defined.add(name)
                if is_mutable(section) and not name.startswith("."):
                    print(f"{archive.name}: {name} in {section}: a mutable global")
                    failed += 1
    for name in sorted(wanted.keys() - defined - ALLOWED):
        print(f"{wanted[name]}: calls {name}, which a freestanding layer may not")
        failed += 1
    print(f"{seen} archives")
    return 1 if failed else 0


sys.exit(main())
