#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""exports.py ROOT COMPILER (MAP LIBRARY)...: what the libraries export is what
the headers declare.

Each public name is in one map and one library, a map and its library agree, and
a program that takes the address of every name compiles, links and runs. An archive
that is no shared library has a header instead of a map; it cannot hide what else it
defines.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
INLINE = re.compile(r"^static inline .*?^}", re.DOTALL | re.MULTILINE)
FUNCTION = re.compile(r"^[a-z][^;{}()#]*?\b(vballoon_\w+)\(", re.MULTILINE)
OBJECT = re.compile(r"^extern const [^;(]*\b(vballoon_\w+);", re.MULTILINE)


def declared(header):
    """The functions and objects that a header declares."""
    text = INLINE.sub("", COMMENT.sub("", header.read_text()))
    return set(FUNCTION.findall(text)) | set(OBJECT.findall(text))


def mapped(path):
    """The names that a version script exports, or that a header declares."""
    if path.suffix == ".h":
        return declared(path)
    text = COMMENT.sub("", path.read_text())
    return set(re.findall(r"^\s+(vballoon_\w+);$", text, re.MULTILINE))


def defined(archive):
    """The names that an archive defines for others."""
    table = subprocess.run(
        ["nm", "-g", "--defined-only", archive], check=True, capture_output=True, text=True
    ).stdout
    return {line.split()[-1] for line in table.splitlines() if len(line.split()) == 3}


def exported(library, names):
    """The names that a library defines; with what follows it, one without a version. Of
    an archive, those among some names."""
    if library.suffix == ".a":
        return names & defined(library)
    table = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", library],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    symbols = [line.split()[1:] for line in table.splitlines()]
    # The versions themselves are absolute symbols.
    return {re.sub(r"@@VBALLOON_\S+$", "", name) for kind, name in symbols if kind != "A"}


def links(root, compiler, headers, names, libraries):
    """Whether a program with the address of every name runs: (code, output)."""
    lines = [f"#include <{header.relative_to(root / 'include')}>" for header in headers]
    table = "".join(f"\t(void *)&{name},\n" for name in sorted(names))
    lines += [
        f"static void *const names[] = {{\n{table}}};",
        "int main(void)\n{",
        "\tunsigned int i;\n",
        "\tfor (i = 0; i < sizeof(names) / sizeof(names[0]); i++)",
        "\t\tif (!names[i])\n\t\t\treturn 1;",
        "\treturn 0;\n}\n",
    ]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "all")
        program.with_suffix(".c").write_text("\n".join(lines))
        places = [option for path in libraries for option in (path, f"-Wl,-rpath,{path.parent}")]
        done = subprocess.run(
            [*compiler, "-o", program, program.with_suffix(".c"), f"-I{root}/include", *places],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode == 0:
            done = subprocess.run([program], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def main():
    root = Path(sys.argv[1])
    compiler = sys.argv[2].split()
    pairs = list(zip(map(Path, sys.argv[3::2]), map(Path, sys.argv[4::2])))
    headers = sorted((root / "include/vballoon").glob("*.h"))
    public = set().union(*map(declared, headers))
    wrong = [] if public else ["the headers declare nothing"]
    seen = set()
    for map_path, library in pairs:
        names = mapped(map_path)
        wrong += [f"{map_path.name}: {name} is in no header" for name in sorted(names - public)]
        wrong += [f"{map_path.name}: {name} is in another map too" for name in sorted(names & seen)]
        for name in sorted(names ^ exported(library, names)):
            where = "map" if name in names else "library"
            wrong.append(f"{library.name}: {name} is only in the {where}")
        seen |= names
    wrong += [f"{name} is declared, but in no map" for name in sorted(public - seen)]
    if not wrong:
        code, output = links(root, compiler, headers, public, [pair[1] for pair in pairs])
        if code:
            wrong.append(f"a program that uses all of them does not run:\n{output}")
    print("\n".join(wrong) or f"{len(public)} names, {len(pairs)} libraries")
    return 1 if wrong else 0


sys.exit(main())
