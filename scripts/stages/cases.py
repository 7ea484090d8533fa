# SPDX-License-Identifier: BSD-3-Clause
"""What ran, and how it ended: read from what the runners wrote, never assumed."""

import re
from collections import namedtuple

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

Case = namedtuple("Case", "name outcome detail")

# How a case begins and ends: cmocka's words (the totals below them begin alike,
# but with a number), and the plain words of every other runner of the tree.
CMOCKA = re.compile(r"^\[ *(RUN|OK|FAILED|SKIPPED|ERROR) *\] +([A-Za-z_]\w*)$", re.MULTILINE)
PLAIN = re.compile(r"^(ok|not ok|skip) - (.+)$", re.MULTILINE)

OUTCOMES = {
    "RUN": FAILED,  # until it ends: a case that never does has failed
    "OK": PASSED,
    "FAILED": FAILED,
    "ERROR": FAILED,
    "SKIPPED": SKIPPED,
    "ok": PASSED,
    "not ok": FAILED,
    "skip": SKIPPED,
}


def own_words(output, name):
    """What a plain runner wrote of one case, below the line that has its outcome; all where that
    is nothing."""
    found = list(PLAIN.finditer(output))
    for match, behind in zip(found, [*found[1:], None]):
        if match[2] == name and match[1] == "not ok":
            text = output[match.start() : behind.start() if behind else len(output)]
            return text if "\n" in text.strip() else output
    return output


def of_program(program, returncode, output):
    """The cases that a test program told of; itself as one when it told of none.

    A program that failed has a failed case, whatever it printed; exit code 77
    means that it skipped.
    """
    outcomes = {name: OUTCOMES[word] for word, name in CMOCKA.findall(output)}
    outcomes.update({name: OUTCOMES[word] for word, name in PLAIN.findall(output)})
    cases = [
        Case(f"{program}: {name}", outcome, own_words(output, name) if outcome == FAILED else "")
        for name, outcome in outcomes.items()
    ]
    if returncode == 77:
        cases.append(Case(program, SKIPPED, output))
    elif returncode != 0 and FAILED not in outcomes.values():
        cases.append(Case(f"{program}: exit code {returncode}", FAILED, output))
    elif not cases:
        cases.append(Case(program, PASSED, ""))
    return cases
