# SPDX-License-Identifier: BSD-3-Clause
"""What of all that a guest's kernel says is a complaint."""

import re

_FAILURE = "page allocation failure"
_COMPLAINT = re.compile(
    r"WARNING:|\bBUG\b|Oops|general protection|Kernel panic|Bad page|Out of memory|"
    r"list_(add|del) corruption|refcount_t|suspected memory leak|blocked for more than|"
    r"soft lockup|detected stall|UBSAN|trying to register non-static key|"
    rf"lockdep is turned off|{_FAILURE}|Unable to handle")
_KILL = re.compile(r"Out of memory: Killed process (\d+)")
_WHO = re.compile(r"\bPID: (\d+)")
_WHO_LINES = 2  # after a failure, who it was


def complaints(text: str) -> list[str]:
    """The lines that are one. That a process which was killed for lack of memory gets none any more,
    not even of what the kernel keeps for it until it is gone, is none."""
    lines = text.splitlines()
    if lines and _FAILURE in lines[-1]:
        lines.pop()  # who it was is about to be said
    victims = set()
    found = []
    for at, line in enumerate(lines):
        if killed := _KILL.search(line):
            victims.add(killed[1])
        who = _WHO.search("\n".join(lines[at + 1:at + 1 + _WHO_LINES]))
        last_gasp = _FAILURE in line and who and who[1] in victims
        if _COMPLAINT.search(line) and not last_gasp:
            found.append(line)
    return found


def is_kill(line: str) -> bool:
    """Whether a process was killed for lack of memory."""
    return bool(_KILL.search(line))
