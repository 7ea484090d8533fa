# SPDX-License-Identifier: BSD-3-Clause
"""The notes that tie code and tests to clauses.

A comment says `Keeps DEV-ADD-3, DEV-ADD-4.` at the function, or the table, that
keeps them, and `Proves DEV-ADD-3.` at the test that fails when they are not kept.
It speaks of the definition below it, or of the one that it is in. A row of the
conformance suite, which begins with its name and its clause, says it by itself.
"""

import re
from collections import namedtuple
from pathlib import Path

import text

NOTE = re.compile(rf"\b(Keeps|Proves) ({text.ID.pattern}(?:(?:,| and) {text.ID.pattern})*)\.")
C_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A function, a table, or what a macro makes of its first argument.
C_SUBJECT = re.compile(
    r"^(?:(?![#/*}\s])[^;{=]*?\b(\w+)(?:\(|\[|\s*=)[^;]*?\{|[A-Z][A-Z_]+\((\w+),)", re.MULTILINE
)
PYTHON_COMMENT = re.compile(r"(?:^[ \t]*#.*\n)+", re.MULTILINE)
PYTHON_SUBJECT = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
SUITE = Path("src", "conformance")
SUITE_ROW = re.compile(rf'"([a-z0-9-]+)",\s*"({text.ID.pattern})"')
SUITE_TOPIC = re.compile(r"^VBALLOON_(?:SHARED_)?TOPIC\((\w+),", re.MULTILINE)
# Where each program and each test is listed.
SUITES = ("tests/unit/", "tests/proto/")
# Who may keep a clause, and who may prove one.
KEEPERS = ("src/", "kernel/")
PROVERS = ("tests/", "scripts/check-")

Note = namedtuple("Note", "verb ids path subject line")


def files(root):
    """What may have notes."""
    for folder in ("src", "kernel", "include", "tests", "scripts", "examples"):
        for file in sorted((root / folder).rglob("*")):
            relative = file.relative_to(root).as_posix()
            if file.suffix in (".c", ".h", ".py") or relative in ("tests/docs/run",):
                yield file, relative


def _subject(source, comment, pattern):
    """What a comment speaks of: the definition that begins behind it, or, when it is
    indented, the one it is in."""
    begins = source.rfind("\n", 0, comment.start()) + 1
    if comment.start() > begins or source[comment.start()] in " \t":
        found = None
        for found in pattern.finditer(source, 0, comment.start()):
            pass
        return found and found[found.lastindex]
    found = pattern.match(source, comment.end()) or pattern.match(source, comment.end() + 1)
    return found and found[found.lastindex]


def _is_run(root, path, subject, source):
    """Whether a test is one that something runs."""
    folder = Path(path).parent
    if path.startswith(SUITES):
        built = re.findall(r"'(\w+)'", (root / folder / "meson.build").read_text())
        uses = re.findall(rf"\b{subject}\b", C_COMMENT.sub("", source))
        # The program is built; the test stands there, and in the program's list.
        return any(Path(path).stem.endswith(f"_{name}") for name in built) and len(uses) > 1
    if path.startswith("tests/e2e/"):
        return subject == "run"
    uses = sum(
        len(re.findall(rf"\b{subject}\b", file.read_text()))
        for file in (root / folder).iterdir()
        if file.suffix in (".c", ".h", ".py") or file.name == "run"
    )
    return uses > 1


def _suite(root):
    """What the rows of the conformance suite say."""
    topics = root / SUITE / "topics.c"
    listed = re.findall(r"&(\w+),", topics.read_text()) if topics.exists() else []
    for file in sorted((root / SUITE).glob("*.c")):
        source = file.read_text()
        topic = SUITE_TOPIC.search(source)
        if topic and topic[1] in listed:
            for row in SUITE_ROW.finditer(source):
                line = source.count("\n", 0, row.start()) + 1
                name = f"conformance: {file.stem.removeprefix('topic_')}"
                yield Note("Proves", [row[2]], (SUITE / file.name).as_posix(), name, line)


def read(root, clauses):
    """The notes, and what is wrong with them."""
    notes, wrong = list(_suite(root)), []
    for file, path in files(root):
        source = file.read_text()
        is_c = file.suffix in (".c", ".h")
        for found in text.ID.finditer(source):
            if found[0] not in clauses:
                line = source.count("\n", 0, found.start()) + 1
                wrong.append(f"{path}:{line}: there is no clause {found[0]}")
        for comment in (C_COMMENT if is_c else PYTHON_COMMENT).finditer(source):
            line = source.count("\n", 0, comment.start()) + 1
            words = " ".join(re.sub(r"^\s*(?:\*|#|/\*)", "", comment[0], flags=re.M).split())
            for verb, ids in ((found[1], found[2]) for found in NOTE.finditer(words)):
                subject = _subject(source, comment, C_SUBJECT if is_c else PYTHON_SUBJECT)
                if not subject:
                    wrong.append(f"{path}:{line}: {verb} a clause, but what does?")
                    continue
                if not path.startswith(KEEPERS if verb == "Keeps" else PROVERS):
                    wrong.append(f"{path}:{line}: nothing there {verb.lower()} a clause")
                if verb == "Proves" and not _is_run(root, path, subject, source):
                    wrong.append(f"{path}:{line}: {subject} is a test that nobody runs")
                notes.append(Note(verb, text.ID.findall(ids), path, subject, line))
    return notes, wrong
