# SPDX-License-Identifier: BSD-3-Clause
"""A new user, who has Debian, our packages and our pages, and does what the pages say."""

import contextlib
import json
import re
import shlex
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "docs"))

from bed import initramfs, kernel, qemu_root  # noqa: E402
from bed.guest import Guest  # noqa: E402
from bed.modules import BALLOON_MODULE, TRANSPORT_MODULE, Modules  # noqa: E402
from bed.vm import BOOT_SECONDS, EMULATED  # noqa: E402
from booted import Booted  # noqa: E402
from markdown import blocks, commands  # noqa: E402

GUIDE, README, MODULE = "docs/guide/operators.md", "README.md", "docs/guest-linux.md"
STATUS = "vballoonctl --control-path /run/vballoon/vm1.ctl --json status"
QEMU, KERNEL = "/opt/qemu", "/srv/kernel"


def steps(page, program):
    """The commands of a page that begin with these words, but for sudo, as a shell has them."""
    found = []
    for block in blocks(page):
        for words in commands(block.text) if block.language == "sh" else ():
            words = words[1:] if words[0] == "sudo" else words
            line = " ".join(word if word in ("&", "...") or "*" in word else shlex.quote(word)
                            for word in words)
            if line.startswith(program):
                found.append(line)
    assert found, f"a step of {page} that begins with `{program}`"
    return found


def package_steps(page):
    """How a page installs packages, and how it removes them, without a question."""
    install, remove = (line.replace("apt ", "apt-get -q -y ", 1) for line in steps(page, "apt"))
    return install, remove


class Machine:
    """What this user has besides: QEMU, a guest without a disk, the module that DKMS built."""

    def __init__(self, suite, root, module):
        self.root = root
        root.must("for deb in /var/cache/apt/archives/linux-{image,headers}-[0-9]*.deb; do "
                  f"dpkg -x $deb {KERNEL}; done")
        made = kernel.Kernel(root.at(KERNEL), suite)
        modules = Modules(made)
        modules.add(TRANSPORT_MODULE)
        modules.add(BALLOON_MODULE, module)
        init = root.directory.parent / "init"
        initramfs.build_init(init)
        files = {"init": init.read_bytes(),
                 **{f"modules/{name}.ko": data for name, data in modules.files.items()}}
        root.at("/srv/initrd").write_bytes(initramfs.pack(files))
        shutil.copy(made.image, root.at("/srv/vmlinuz"))
        self._modules = modules
        qemu = qemu_root.prepare()
        shutil.copytree(qemu.root, root.at(QEMU), symlinks=True)
        program = root.at("/usr/local/bin/qemu-system-x86_64")
        there = shlex.join(qemu_root.QemuRoot(Path(QEMU)).command())
        program.write_text(f'#!/bin/sh\nexec {there} "$@"\n')
        program.chmod(0o755)

    def rest(self):
        """What a page leaves to its reader (`...`)."""
        parameters = " ".join(["console=ttyS0", "init_on_alloc=0", *EMULATED])
        return ("-nodefaults -display none -kernel /srv/vmlinuz -initrd /srv/initrd "
                f"-append '{parameters}' -serial file:/srv/console "
                "-serial unix:/srv/agent,server=on,wait=off")

    def start(self, booted, line):
        """Do what a page says starts the guest. Returns the guest that has booted."""
        assert line.endswith(" ..."), line
        booted.must(f"{line.removesuffix('...')} {self.rest()} </dev/null >/srv/qemu.log 2>&1 &")
        guest = Guest(self.root.at("/srv/agent"), self._modules)
        guest.wait_ready(BOOT_SECONDS)
        return guest


def told(booted):
    """The status, and that it is what was asked for, down to the host."""
    status = json.loads(booted.must(STATUS))
    sizes = {status[name] for name in ("target_bytes", "held_bytes", "dropped_bytes")}
    assert len(sizes) == 1, status
    assert status["passthrough"] == {"state": "absent", "text": None}, status
    return status


def shrink_and_grow(booted, guest):
    """Every order of the README, in order, and what `why` says of it."""
    sizes = []
    for line in steps(README, "vballoonctl"):
        said = booted.must(line)
        if line.endswith("--wait"):
            sizes.append(told(booted)["held_bytes"])
        if line.endswith("why"):
            assert "in the balloon" in said and "Every byte" not in said, said
    assert sizes == [1 << 30, 0], sizes
    # Whose memory it is again can use it.
    pages, bad = guest.touch(1)
    assert pages and not bad, f"{bad} of {pages} pages are not what was written"


def as_the_service_has_it(booted):
    """The unit runs under the manager as somebody else, who is ready, and closed up."""
    state = booted.must("systemctl show -P SubState vballoond@vm1.service").strip()
    assert state == "running", state
    owner = booted.must("stat -c %u /proc/$(systemctl show -P MainPID vballoond@vm1.service)").strip()
    assert int(owner) >= 61184, f"the service's user is {owner}"  # a dynamic one
    level = booted.must("systemd-analyze security vballoond@vm1.service | tail -1")
    print(level.strip())
    assert float(re.search(r"\d+\.\d+", level)[0]) <= 1.5, level


def outlives_its_end(booted):
    """The service is restarted, and killed; what starts in its place goes on with the guest."""
    main = "systemctl show -P MainPID vballoond@vm1.service"
    order = STATUS.replace("--json status", "set {} --wait")
    booted.must(order.format("64M"))
    before = told(booted)
    for end in ("systemctl restart vballoond@vm1.service", "kill -9 $old"):
        booted.must(f"old=$({main}); {end}\n"
                    f"for i in $(seq 300); do new=$({main}); case $new in 0|$old) sleep 0.1;; "
                    f"*) {STATUS} >/srv/status && break; sleep 0.1;; esac; done; [ $new != $old ]")
        after = told(booted)
        assert after["epoch"] == before["epoch"] and after["held_bytes"] == 64 << 20, after
    booted.must(order.format("0"))
    assert told(booted)["held_bytes"] == 0


def shrinks_and_grows_a_guest(suite, root, module):
    """Install, serve, start, shrink, grow, look, uninstall, with the steps of the pages alone."""
    root.install("systemd")
    machine = Machine(suite, root, module)
    with contextlib.ExitStack() as stack:
        booted = stack.enter_context(Booted(root))
        install, uninstall = package_steps(GUIDE)
        booted.must(install)
        enable, disable = steps(GUIDE, "systemctl")
        booted.must(enable)
        guest = machine.start(booted, steps(README, "qemu-system-x86_64")[0])
        stack.callback(guest.close)
        guest.load(BALLOON_MODULE)
        shrink_and_grow(booted, guest)
        as_the_service_has_it(booted)
        outlives_its_end(booted)
        guest.ask("poweroff")
        booted.must(disable)
        left = booted.run("ls /run/vballoon; pgrep -x vballoond")
        assert "vm1" not in left.stdout and left.returncode, left.stdout
        booted.must(uninstall)
