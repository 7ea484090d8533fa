#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""staged.py MESON BUILD COMPILER...: install a build into a directory of its own,
and use what is there: the files, the programs, the libraries through pkg-config."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EMBED = ["examples/embed.c", "examples/embed_guest.c"]


def run(*words, env=None):
    """What a command wrote; its failure is this test's."""
    done = subprocess.run(
        list(map(str, words)), cwd=ROOT, env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}:\n{done.stdout}")
    return done.stdout


class Staged:
    """A build as it is installed under a directory."""

    def __init__(self, meson, build, compiler, directory):
        self.compiler = compiler
        self.directory = directory
        self.prefix = Path(option(meson, build, "prefix"))
        self.lib = self.prefix / option(meson, build, "libdir")
        run(*meson, "install", "-C", build, "--no-rebuild", "--destdir", directory)

    def at(self, path):
        """Where a file that belongs at a path is now."""
        return self.directory / Path(path).relative_to("/")

    def paths(self):
        for path in sorted(self.directory.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                yield "/" / path.relative_to(self.directory)

    def pkg_config(self, *words):
        env = {
            "PKG_CONFIG_LIBDIR": str(self.at(self.lib / "pkgconfig")),
            "PKG_CONFIG_SYSROOT_DIR": str(self.directory),
        }
        return run("pkg-config", *words, env=env).split()


def option(meson, build, name):
    options = json.loads(run(*meson, "introspect", "--buildoptions", build))
    return next(entry["value"] for entry in options if entry["name"] == name)


def exactly_the_listed_files_are_installed(staged):
    version = run("sed", "-n", "s/^ *version: '\\(.*\\)',/\\1/p", "meson.build").strip()
    there = set()
    for path in staged.paths():
        text = str(path)
        for place, name in ((staged.lib, "lib"), (staged.prefix, "")):
            if path.is_relative_to(place):
                text = str(Path(name) / path.relative_to(place))
                break
        there.add(text.replace(version, "VERSION"))
    lines = Path(__file__).with_name("files.txt").read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    assert there == listed, f"not the same as files.txt: {sorted(there ^ listed)}"


def every_program_has_a_page(staged):
    pages = {path.stem for path in staged.paths() if "man" in path.parts}
    programs = {path.name for path in staged.paths() if path.parent.name == "bin"}
    assert programs and programs == pages, f"programs {programs}, pages {pages}"


def the_programs_run(staged):
    tool = staged.at(staged.prefix / "bin/vballoonctl")
    assert "usage" in run(tool, "--help").lower()
    daemon = staged.at(staged.prefix / "bin/vballoond")
    assert json.loads(run(daemon, "--print-capabilities"))["type"] == "balloon"


def the_manifest_names_the_installed_daemon(staged):
    path = staged.prefix / "share/qemu/vhost-user/50-vballoon.json"
    manifest = json.loads(staged.at(path).read_text())
    assert manifest["type"] == "balloon"
    assert Path(manifest["binary"]).is_absolute()
    assert os.access(staged.at(manifest["binary"]), os.X_OK), manifest


def each_library_has_its_soname(staged):
    for name in ("vballoon", "vballoon-host"):
        dynamic = run("objdump", "-p", staged.at(staged.lib / f"lib{name}.so"))
        soname = re.search(r"SONAME +(\S+)", dynamic).group(1)
        assert soname == f"lib{name}.so.0", soname
        assert staged.at(staged.lib / soname).exists(), soname


def embed(staged, output, *options):
    run(*staged.compiler, "-D_GNU_SOURCE", "-o", output, *EMBED, *options)
    assert "ok: " in run(output, env={"LD_LIBRARY_PATH": str(staged.at(staged.lib))})


def the_example_links_the_shared_library(staged):
    output = staged.directory / "embed"
    embed(staged, output, *staged.pkg_config("--cflags", "--libs", "vballoon"))
    assert "libvballoon.so.0" in run("objdump", "-p", output)


def the_example_links_the_archive(staged):
    output = staged.directory / "embed"
    archive = staged.at(staged.lib / "libvballoon.a")
    embed(staged, output, *staged.pkg_config("--cflags", "vballoon"), archive)
    assert "libvballoon.so.0" not in run("objdump", "-p", output)


def the_example_of_a_guest_links_the_driver(staged):
    """With what its kernel has, and what any compiler has or expects."""
    output = staged.directory / "guest_port"
    run(*staged.compiler, "-ffreestanding", "-fno-stack-protector", "-nostdlib", "-r", "-o", output,
        "examples/guest_port.c", "examples/traditional_port.c", "examples/virtio_mmio.c",
        *staged.pkg_config("--cflags", "--libs", "vballoon-guest"), "-lgcc")
    wanted = run("nm", "--undefined-only", "--format=just-symbols", output).split()
    assert wanted, "nothing of the kernel's"
    # The last is what a linker itself defines.
    known = {"memcpy", "memmove", "memset", "_GLOBAL_OFFSET_TABLE_"}
    missing = [name for name in wanted if not name.startswith("kernel_") and name not in known]
    assert not missing, missing


TESTS = [
    exactly_the_listed_files_are_installed,
    every_program_has_a_page,
    the_programs_run,
    the_manifest_names_the_installed_daemon,
    each_library_has_its_soname,
    the_example_links_the_shared_library,
    the_example_links_the_archive,
    the_example_of_a_guest_links_the_driver,
]


def main():
    meson, build, compiler = sys.argv[1].split(), sys.argv[2], sys.argv[3:]
    failed = False
    with tempfile.TemporaryDirectory(prefix="vballoon-staged-") as folder:
        staged = Staged(meson, build, compiler, Path(folder))
        for test in TESTS:
            try:
                test(staged)
                print(f"ok - {test.__name__}")
            except AssertionError as error:
                print(f"{error}\nnot ok - {test.__name__}")
                failed = True
    return 1 if failed else 0


sys.exit(main())
