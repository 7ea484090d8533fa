#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-guest.py ROOT gcc|clang SOURCE...: the portable driver needs no C library.

For 64 and 32 bits it is compiled without any header but the compiler's own and two of
ours (tests/freestanding), and linked with the example of a port and no library at
all. Then nothing may be undefined. clang compiles it for machines whose linker is not
here, too, big-endian ones among them.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = ["aarch64", "aarch64_be", "mips", "powerpc64", "riscv64", "s390x"]
EXAMPLES = ["guest_port.c", "traditional_port.c", "virtio_mmio.c"]
STRICT = ["-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-Werror"]
FREE = ["-ffreestanding", "-fno-stack-protector", "-fno-pie", "-nostdinc", "-U__linux__"]


def run(*words, cwd=None):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def compile(root, compiler, sources, folder):
    own = run(compiler[0], "-print-file-name=include")
    places = [root / "tests/freestanding", root / "include", root / "src", root / "examples"]
    includes = [f"-isystem{own}", *(f"-I{place}" for place in places)]
    # Two directories may have files of one name.
    for place in sorted({source.parent for source in sources}):
        objects = Path(folder, place.name)
        objects.mkdir()
        here = [source for source in sources if source.parent == place]
        run(*compiler, *STRICT, *FREE, "-ffunction-sections", *includes, "-c", *here, cwd=objects)


def link(compiler, folder):
    options = ["-nostdlib", "-static", "-no-pie", "-Wl,--gc-sections"]
    run(*compiler, *options, *sorted(Path(folder).rglob("*.o")), "-o", "kernel", cwd=folder)
    left = run("nm", "-u", Path(folder, "kernel"))
    if left:
        raise AssertionError(f"undefined: {left}")


def main():
    root, name, driver = Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3:]
    sources = [Path(source).resolve() for source in driver]
    sources += [*(root / "examples" / name for name in EXAMPLES), root / "tests/freestanding/kernel.c"]
    linked = [[name, "-O2"], [name, "-O2", "-m32"]]
    compiled = [[name, f"--target={target}-none-elf"] for target in TARGETS if name == "clang"]
    failed = not driver
    for compiler in linked + compiled:
        with tempfile.TemporaryDirectory() as folder:
            try:
                compile(root, compiler, sources, folder)
                if compiler in linked:
                    link(compiler, folder)
                print(f"ok - {' '.join(compiler)}")
            except AssertionError as error:
                print(f"{error}\nnot ok - {' '.join(compiler)}")
                failed = True
    return 1 if failed else 0


sys.exit(main())
