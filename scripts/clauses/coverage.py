# SPDX-License-Identifier: BSD-3-Clause
"""The table of clauses: what keeps each, and what proves it."""

import re

import text

OPEN = "## What this tree cannot show"
ROW = re.compile(r"^\| ((?:(?:DEV|DRV)-[A-Z]+-\d+(?:, )?)+) \| (function|test|both) \| (.+) \|$", re.M)
KINDS = {"Keeps": "function", "Proves": "test"}
LACKS = {"function": ("Keeps",), "test": ("Proves",), "both": ("Keeps", "Proves")}

HEAD = """\
# What keeps each clause, and what proves it

Written by `make clauses` from the notes in the sources: *Keeps* at a function, *Proves* at a test. `./check`
fails when a clause has no function or no test.

| clause | kept by | proven by |
|---|---|---|
"""


def open_clauses(root):
    """{(verb, id): reason} of what conformance.md says that nothing here can show."""
    below = (root / text.CONFORMANCE).read_text().partition(OPEN)[2]
    return {
        (verb, name): reason
        for ids, lacks, reason in ROW.findall(below)
        for name in text.ID.findall(ids)
        for verb in LACKS[lacks]
    }


def _there(notes):
    return {(note.verb, name) for note in notes for name in note.ids}


def gaps(root, clauses, notes):
    """What is missing, and not told to be."""
    known = {*open_clauses(root), *_there(notes)}
    for name in clauses:
        for verb, kind in KINDS.items():
            if (verb, name) not in known:
                yield f"{text.SPEC / clauses[name].chapter}: {name} has no {kind}"


def stale(root, clauses, notes):
    """What conformance.md says that nothing here can show, and is not so any more."""
    there = _there(notes)
    for verb, name in open_clauses(root):
        if name not in clauses:
            yield f"{text.CONFORMANCE}: there is no clause {name}"
        elif (verb, name) in there:
            yield f"{text.CONFORMANCE}: {name} has a {KINDS[verb]} after all"


def table(root, clauses, notes, to_root):
    """The document; its links begin with the way from its folder to the root."""
    reasons = open_clauses(root)
    rows = []
    for clause in clauses.values():
        cells = [f"[{clause.id}]({to_root}/{text.SPEC / clause.chapter})"]
        for verb in KINDS:
            found = {(n.subject, n.path) for n in notes if n.verb == verb and clause.id in n.ids}
            links = [_link(subject, path, to_root) for subject, path in sorted(found, key=lambda s: s[::-1])]
            cells.append(", ".join(links) or ("*open*" if (verb, clause.id) in reasons else ""))
        rows.append(f"| {' | '.join(cells)} |\n")
    return HEAD + "".join(rows)


def _link(subject, path, to_root):
    name = path.rsplit("/", 1)[-1].removesuffix(".py") if subject == "run" else subject
    return f"[`{name}`]({to_root}/{path})"
