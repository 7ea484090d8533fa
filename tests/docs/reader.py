# SPDX-License-Identifier: BSD-3-Clause
"""Somebody who does what a document says, block by block, and notices when it is not so."""

import configparser
import contextlib
import fcntl
import json
import os
import re
import subprocess
import time
from pathlib import Path

from bed.failure import Failure
from bed.modules import BALLOON_MODULE
from bed.process import Process
from bed.rig import expect
from machines import DocumentedMachine, Domain
from markdown import ROOT, blocks, commands, read

# Where the documents have their sockets, and the headers of a guest's kernel.
SOCKETS = "/run/vballoon"
SOCKET, CONTROL = f"{SOCKETS}/vm1.sock", f"{SOCKETS}/vm1.ctl"
HEADERS = "/lib/modules/$(uname -r)/build"
BUILD = ROOT / "build-bed"
# What a fragment of C may rely on.
PRELUDE = "".join(f"#include <{name}>\n" for name in (
    "stdbool.h", "stdint.h", "stdlib.h", "poll.h", "vballoon/abi/memory_balloon.h",
    "vballoon/backing.h", "vballoon/device.h", "vballoon/vhost_user.h",
    "driver/decide/decide.h"))
# What libkrun.h declares.
PRELUDE += """int32_t krun_add_vhost_user_device(uint32_t ctx_id, uint32_t device_type,
	const char *socket_path, const char *name, uint16_t num_queues,
	const uint16_t *queue_sizes);
"""


def run(*words, **options):
    """Run a command that must succeed. Returns what it wrote."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    expect(done.returncode == 0, f"`{' '.join(map(str, words))}` to be done: {done.stdout}")
    return done.stdout


@contextlib.contextmanager
def one_at_a_time(directory):
    """Nobody else who reads a document builds there meanwhile."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def wait_for(path):
    deadline = time.monotonic() + 10
    while not path.exists():
        expect(time.monotonic() < deadline, f"{path} to be there")
        time.sleep(0.02)


class Reader:
    """Reads one document. `stack` ends what was started; `directory` stands for SOCKETS."""

    def __init__(self, assets, directory, stack):
        self.assets = assets
        self.directory = directory
        self.stack = stack
        self.machine = None
        self.name = ""  # of the one machine that runs
        self.arguments = {}  # QEMU's for each, by its name
        self.daemons = {}

    def try_block(self, block):
        try:
            self._language(block)(block)
        except Failure as failure:
            raise Failure(f"{block.path}:{block.line}: {failure}") from failure

    def can_try(self, block):
        """Whether there is a way to try it; nothing is done."""
        try:
            self._language(block)
            return block.language != "sh" or bool(list(self._acts(block)))
        except Failure:
            return False

    def _language(self, block):
        found = getattr(self, f"_try_{block.language or 'text'}", None)
        expect(found is not None, f"a block in a language that can be tried, not {block.language}")
        return found

    def _acts(self, block):
        """What carries out each command of a block, and its arguments."""
        where = "guest" if block.comment == "in the guest" else "host"
        for words in commands(block.text.replace(HEADERS, str(self.assets.kernel.headers))):
            if words[0] == "sudo":
                words = words[1:]
            program = os.path.basename(words[0]).replace("-", "_")
            act = getattr(self, f"_{where}_{program}", None)
            expect(act is not None, f"a way to try `{program}` on the {where}")
            yield act, self._here(words[1:])

    def _try_text(self, block):
        """A picture; or, when it says so, what vballoonctl shows."""
        if not block.comment:
            return
        said = self._host_vballoonctl(self._here(block.comment.split()[1:]))
        for line in block.text.splitlines():
            label = line[:22].strip()
            expect(label in said, f"`{label}` in what `{block.comment}` says: {said}")

    def _try_hex(self, block):
        """What goes over the queues: tests/spec says it to a device."""

    def _try_json(self, block):
        json.loads(block.text)

    def _try_ini(self, block):
        configparser.ConfigParser().read_string(block.text)

    def _try_c(self, block):
        """A fragment compiles, whoever calls it."""
        flags = "-std=gnu11 -fsyntax-only -Wall -Wextra -Werror -Wno-unused -x c".split()
        done = subprocess.run(["gcc", *flags, f"-I{ROOT}/include", f"-I{ROOT}/src", "-"],
                              input=PRELUDE + block.text, capture_output=True, text=True,
                              check=False)
        expect(done.returncode == 0, f"the fragment to compile: {done.stderr}")

    def _try_hmp(self, block):
        """QEMU's monitor says what the comment before the block says, or nothing."""
        for line in block.text.splitlines():
            said = self.machine.monitor(line)
            expected = block.comment.removeprefix("says: ")
            expect(expected in said if expected else not said,
                   f"QEMU to answer `{line}` with `{expected}`, not `{said}`")

    def _try_sh(self, block):
        for act, arguments in self._acts(block):
            act(arguments)

    def _here(self, words):
        return [re.sub("/run/(vballoon(/|$))?", f"{self.directory}/", word)
                for word in words if word not in ("...", "&")]

    # On the host.

    def _host_demo(self, arguments):
        """./check runs all of it, in a stage of its own."""
        run(ROOT / "demo", *arguments, "--help")

    def _host_check(self, arguments):
        """./check is what runs this."""

    def _host_make(self, arguments):
        target, *settings = arguments
        if target == "packages":  # tests/install does it
            return
        build = BUILD if target == "module" else BUILD / "host"
        with one_at_a_time(BUILD):
            run("make", "-C", ROOT, target, f"BUILD={build}", f"KDIR={self.assets.kernel.headers}",
                *[f"DESTDIR={self.directory}/root"] * (target == "install"), *settings)

    def _host_install(self, arguments):
        run("install", *[word.replace("$USER", str(os.getuid())) for word in arguments])

    def _host_vballoond(self, arguments):
        options = dict(zip(arguments, arguments[1:]))
        path = Path(options["--socket-path"])
        if path in self.daemons:  # of a virtual machine that an earlier block had
            self._end_machine()
            self.daemons[path]()
        daemon = Process("vballoond", [str(self.assets.built.vballoond), *arguments],
                         Path(self.directory, f"{path.stem}.log"))
        self.daemons[path] = daemon.close
        self.stack.callback(daemon.close)
        wait_for(path)

    def _host_vballoonctl(self, arguments):
        if not self.daemons:
            self._guest()
        control = arguments[arguments.index("--control-path") + 1]
        name = Path(control).stem
        if name != self.name and name in self.arguments:
            self._host_qemu_system_x86_64(self.arguments[name])
        said = run(self.assets.built.vballoonctl, *arguments)
        if "--wait" in arguments:
            self._check_done(control)
        return said

    def _host_vballoon_conformance(self, arguments):
        """On the daemon and the tool that were built, whatever the document calls them."""
        built = self.assets.built
        words = [re.sub("^vballoonctl ", f"{built.vballoonctl} ", word) for word in arguments]
        run(built.vballoond.parent.parent / "conformance/vballoon-conformance",
            *[built.vballoond if word == "vballoond" else word for word in words])

    def _check_done(self, control):
        """What was asked for is in the balloon, and the host has it."""
        status = json.loads(run(self.assets.built.vballoonctl, "--control-path", control,
                                "--json", "status"))
        sizes = {status[f"{name}_bytes"] for name in ("target", "held", "dropped")}
        expect(len(sizes) == 1, f"all that was asked for to be given back: {status}")

    def _host_apt(self, arguments):
        """tests/install does it: here, that there are such packages, ours and those that the tests
        have been set up with."""
        packages = re.findall(r"^Package: (.+)$", read("debian/control"), re.MULTILINE)
        packages += re.findall(r"^[a-z][^\s#]*", read("scripts/packages.txt"), re.MULTILINE)
        for word in arguments[1:]:
            name = Path(word).name.removesuffix("_*.deb")
            expect(name in packages, f"{name} among {packages}")

    def _host_systemctl(self, arguments):
        """Nobody starts units here: those that are named are there, for any machine."""
        for unit in arguments[2:]:
            template = re.sub("@.*[.]", "@.", unit)
            made = [path.name.removesuffix(".in") for path in (ROOT / "packaging/systemd").iterdir()]
            expect(template in made, f"a unit {template} among {made}")

    def _host_qemu_system_x86_64(self, arguments):
        (name,) = re.findall(r"path=\S*/(\w+)\.sock", " ".join(arguments))
        self.arguments[name] = arguments
        self._begin_machine(name, DocumentedMachine(self.assets, arguments))

    def _host_virt_xml_validate(self, arguments):
        run("virt-xml-validate", *arguments, cwd=ROOT)

    def _host_virsh(self, arguments):
        """`define` and `start`: libvirt's QEMU driver does it, without its daemon."""
        command, what = arguments
        if command == "define":
            self.domain = ROOT / what
            return
        expect(command == "start", f"a way to try `virsh {command}`")
        self._begin_machine(what, Domain(self.assets, self.domain, SOCKETS, self.directory))

    def _host_cloud_hypervisor(self, arguments):
        """Debian does not have it: what it is told agrees with what the daemon offers."""
        options = dict(zip(arguments, arguments[1:]))
        device = options["--generic-vhost-user"]
        expect("shared=on" in options["--memory"].split(","), "shared memory")
        expect("device_type=13," in device, "device 13")
        expect(device.endswith("queue_sizes=[256,256]"), "two queues")
        path = device.split(",")[0].removeprefix("socket=")
        expect(Path(path) in self.daemons, f"a vballoond at {path}")

    def _host_openssl(self, arguments):
        run("openssl", *arguments, cwd=self.directory)

    def _host_sign_file(self, arguments):
        module = Path(self.directory, "virtio_memory_balloon.ko")
        module.write_bytes(self.assets.built.module.read_bytes())
        run(self.assets.kernel.headers / "scripts/sign-file", *arguments[:-1], module,
            cwd=self.directory)
        expect(b"Module signature appended" in module.read_bytes(), "a signed module")

    def _begin_machine(self, name, machine):
        self._end_machine()
        self.name = name
        self.machine = self.stack.enter_context(machine)
        machine.boot()
        machine.guest.load(BALLOON_MODULE)

    def _end_machine(self):
        machine, self.machine, self.name = self.machine, None, ""
        if machine:
            machine.__exit__(None, None, None)

    # In the guest.

    def _guest(self):
        """The one that the document has started, or else the README's."""
        if not self.machine:
            for block in blocks("README.md"):
                for words in commands(block.text) if "qemu-system" in block.text else ():
                    self._host_vballoond(self._here(["--socket-path", SOCKET,
                                                      "--control-path", CONTROL]))
                    self._host_qemu_system_x86_64(self._here(words[1:]))
        return self.machine.guest

    def _guest_make(self, arguments):
        self._host_make(arguments)

    def _guest_apt(self, arguments):
        self._host_apt(arguments)

    def _guest_insmod(self, arguments):
        expect(Path(arguments[0]).stem == BALLOON_MODULE, "the module to be loaded")
        self._guest().load(BALLOON_MODULE)

    def _guest_modprobe(self, arguments):
        if arguments[0] == "-r":
            self._guest().unload(arguments[1])
        else:
            self._guest().load(arguments[0])

    def _guest_cat(self, arguments):
        into = arguments.index(">") if ">" in arguments else len(arguments)
        text = ";".join(self._guest().ask(f"read {path}") for path in arguments[:into])
        for path in arguments[into + 1:]:
            self._guest().ask(f"write {path} {text}")
