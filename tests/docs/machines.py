# SPDX-License-Identifier: BSD-3-Clause
"""Virtual machines as the documents have them: with a guest that a test can ask."""

import contextlib
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from bed.guest import Guest
from bed.process import Process
from bed.vm import BOOT_SECONDS, EMULATED, Machine, VirtualMachine

# What a document says of a virtual machine, so that the bed does not.
DOCUMENTED = {"-m", "-object", "-machine"}
# A kernel that does not clear what it allocates: nobody measures anything here.
PARAMETERS = ["init_on_alloc=0"]
QEMU_XML = "http://libvirt.org/schemas/domain/qemu/1.0"


class DocumentedMachine(VirtualMachine):
    """A QEMU with a document's arguments, and what the document leaves to its reader."""

    def __init__(self, assets, arguments):
        self._arguments = arguments
        first = re.search(r"memory-backend-memfd\S*size=(\d+)G", " ".join(arguments))
        super().__init__(assets, Machine(memory_mib=int(first[1]) << 10,
                                         kernel_parameters=PARAMETERS))

    def _command(self, assets):
        words = iter(super()._command(assets))
        kept = []
        for word in words:
            if word in DOCUMENTED:
                next(words)
            else:
                kept.append(word)
        return [*kept, *self._arguments]

    def monitor(self, line):
        """What QEMU answers to a line of its human monitor."""
        return self.qmp.execute("human-monitor-command", **{"command-line": line})


class Domain:
    """A domain of libvirt's QEMU driver, started without libvirt's daemon."""

    def __init__(self, assets, document, sockets, directory):
        self.directory = Path(tempfile.mkdtemp(prefix="vballoon-lv-"))
        self._opened = contextlib.ExitStack()
        self._opened.callback(shutil.rmtree, self.directory, ignore_errors=True)
        description = self.directory / "domain.xml"
        self._adapt(assets, document, sockets, directory).write(description)
        configuration = self.directory / "root" / "etc" / "qemu.conf"
        configuration.parent.mkdir(parents=True)
        # Not through virtlogd, which is a service of libvirt's daemon.
        configuration.write_text('stdio_handler = "file"\n')
        self._process = self._opened.enter_context(contextlib.closing(Process(
            "virt-qemu-run", self._command(description), self.directory / "log")))
        try:
            self.guest = self._opened.enter_context(
                contextlib.closing(Guest(self.directory / "agent", assets.modules)))
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise

    def _command(self, description):
        # For root libvirt wants a user of its own to run QEMU as: be nobody special.
        nobody = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
        return [*(nobody if os.geteuid() == 0 else []),
                "env", f"HOME={self.directory}", f"XDG_RUNTIME_DIR={self.directory}/run",
                "virt-qemu-run", "-r", str(self.directory / "root"), str(description)]

    def _adapt(self, assets, document, sockets, directory):
        """The document's domain, with the bed's QEMU and a guest that boots without a disk."""
        ElementTree.register_namespace("qemu", QEMU_XML)
        tree = ElementTree.parse(document)
        domain, devices = tree.getroot(), tree.find("devices")
        domain.set("type", "kvm" if assets.accel.name == "kvm" else "qemu")
        for element in [tree.find("cpu"), tree.find("os/boot")]:
            parent = tree.find("os") if element in tree.find("os") else domain
            parent.remove(element)
        for element in [*devices.findall("disk"), *devices.findall("interface"),
                        *devices.findall("serial")]:
            devices.remove(element)
        emulator = self.directory / "qemu"
        emulator.write_text(f'#!/bin/sh\nexec {shlex.join(assets.qemu.command())} "$@"\n')
        emulator.chmod(0o755)
        devices.find("emulator").text = str(emulator)
        initrd = self.directory / "initrd"
        initrd.write_bytes(assets.initramfs(kexec=False))
        parameters = ["console=ttyS0", *EMULATED, *PARAMETERS]
        for name, text in (("kernel", str(assets.kernel.image)), ("initrd", str(initrd)),
                           ("cmdline", " ".join(parameters))):
            ElementTree.SubElement(tree.find("os"), name).text = text
        for kind, path in (("file", "console"), ("unix", "agent")):
            serial = ElementTree.SubElement(devices, "serial", type=kind)
            source = ElementTree.SubElement(serial, "source", path=str(self.directory / path))
            if kind == "unix":
                source.set("mode", "bind")
        for argument in tree.iter(f"{{{QEMU_XML}}}arg"):
            argument.set("value", argument.get("value").replace(sockets, directory))
        return tree

    def boot(self):
        self.guest.wait_ready(BOOT_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error:
            self._process.explain(error)
        self._opened.close()
